package import XDR

/// One procedure of a service: its number, and what goes in and out.
package protocol RxProcedure: Sendable {
  associatedtype Arguments: XDRCodable
  associatedtype Results: XDRCodable
  static var name: String { get }
  static var opcode: UInt32 { get }
}

/// A procedure whose server sends bulk data before its results, the data's length first.
package protocol RxFetchProcedure: RxProcedure {
  /// UInt32 or UInt64, big-endian on the wire.
  associatedtype LengthPrefix: FixedWidthInteger & UnsignedInteger & Sendable
}

/// A procedure whose client sends bulk data after the arguments; the arguments say how much.
package protocol RxStoreProcedure: RxProcedure {}

extension RxProcedure {
  /// Opcode and arguments.
  static func request(_ arguments: Arguments) throws(XDRError) -> [UInt8] {
    var encoder = XDREncoder(capacity: 4 + Arguments.xdrSizeMin)
    encoder.uint32(opcode)
    try arguments.encode(to: &encoder)
    return encoder.bytes
  }
}
