/// A 32-bit counter that wraps around; two values compare by the shorter way between them (as RFC 1982 does it).
protocol SequenceArithmetic: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  var rawValue: UInt32 { get set }
  init(_ rawValue: UInt32)
}

extension SequenceArithmetic {
  @inline(__always)
  static func < (a: Self, b: Self) -> Bool { Int32(bitPattern: a.rawValue &- b.rawValue) < 0 }

  @inline(__always)
  static func + (a: Self, steps: Int) -> Self { Self(a.rawValue &+ UInt32(truncatingIfNeeded: steps)) }

  @inline(__always)
  static func - (a: Self, steps: Int) -> Self { Self(a.rawValue &- UInt32(truncatingIfNeeded: steps)) }

  /// Steps from `b` to `a`; negative when `a` lies before `b`.
  @inline(__always)
  static func - (a: Self, b: Self) -> Int { Int(Int32(bitPattern: a.rawValue &- b.rawValue)) }

  @inline(__always)
  static func += (a: inout Self, steps: Int) { a = a + steps }

  var description: String { String(rawValue) }
}

/// The place of a DATA packet in its direction of a call: 1, 2, 3 ...
struct Seq: SequenceArithmetic {
  var rawValue: UInt32
  @inline(__always) init(_ rawValue: UInt32) { self.rawValue = rawValue }
  static let first = Seq(1)
}

/// The number of a transmission on a connection: every packet sent gets a new one, retransmissions too.
struct Serial: SequenceArithmetic {
  var rawValue: UInt32
  @inline(__always) init(_ rawValue: UInt32) { self.rawValue = rawValue }
  /// Stands for "no packet in particular" in acknowledgements.
  static let none = Serial(0)
}

/// The number of a call on its channel: 1, 2, 3 ...; 0 speaks of the connection as a whole.
struct CallNumber: SequenceArithmetic {
  var rawValue: UInt32
  @inline(__always) init(_ rawValue: UInt32) { self.rawValue = rawValue }
  static let connection = CallNumber(0)

  /// The number of the call after this one. 0 is left out: it speaks of the connection.
  var next: CallNumber { rawValue == .max ? CallNumber(1) : CallNumber(rawValue + 1) }
}

/// The order in which the DATA packets of one call were transmitted (retransmissions count anew). Loss is judged
/// by it, as QUIC judges by packet number (RFC 9002 section 3); serials would count other calls' packets too.
struct TransmitOrder: SequenceArithmetic {
  var rawValue: UInt32
  @inline(__always) init(_ rawValue: UInt32) { self.rawValue = rawValue }
}
