public import AFSBase
public import RxCore

/// Every datagram that simulated hosts sent: the whole as one number, and the last ones in full.
public struct SimulationTrace: Sendable {
  /// What the network did with a datagram.
  public enum Fate: UInt8, Sendable, Hashable {
    case delivered, lost, duplicated, corrupted, refused
  }

  public struct Entry: Sendable, Hashable, CustomStringConvertible {
    public let time: MonotonicTime
    public let source: RxAddress
    public let destination: RxAddress
    public let byteCount: Int
    public let checksum: UInt64
    public let fate: Fate

    public var description: String {
      "\(time.nanoseconds / 1000) us: \(source) -> \(destination), \(byteCount) bytes, \(fate)"
    }
  }

  private static let entriesMax = 1000

  /// Changes with every datagram's time, addresses, content and fate: equal for equal runs.
  public private(set) var checksum: UInt64 = 0xCBF2_9CE4_8422_2325
  public private(set) var datagramCount = 0
  /// The last thousand.
  public private(set) var entries: [Entry] = []

  mutating func record(
    _ time: MonotonicTime, _ path: SimulatedNetwork.Path, _ datagram: UnsafeRawBufferPointer, _ fate: Fate
  ) {
    var content: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in datagram { content = Self.mix(content, UInt64(byte)) }
    let entry = Entry(
      time: time, source: path.source, destination: path.destination, byteCount: datagram.count, checksum: content,
      fate: fate)
    for part in [
      UInt64(bitPattern: time.nanoseconds), path.source.low, UInt64(path.source.port), path.destination.low,
      UInt64(path.destination.port), content, UInt64(fate.rawValue),
    ] {
      checksum = Self.mix(checksum, part)
    }
    datagramCount += 1
    if entries.count >= 2 * Self.entriesMax { entries.removeFirst(Self.entriesMax) }
    entries.append(entry)
  }

  /// One step of FNV-1a, with 64 bits at a time.
  private static func mix(_ state: UInt64, _ value: UInt64) -> UInt64 { (state ^ value) &* 0x0000_0100_0000_01B3 }
}

extension SimulationTrace.Fate {
  init(_ fate: PathModel.Fate, isListening: Bool) {
    if fate.arrival == nil {
      self = .lost
    } else if !isListening {
      self = .refused
    } else if fate.corruption != nil {
      self = .corrupted
    } else {
      self = fate.repetition == nil ? .delivered : .duplicated
    }
  }
}
