/// Which of several endpoints that share one UDP port this one is: each owns the connections whose ids lead to it.
///
/// Of a call of ours we choose the connection id: its low bits above the channel are the number of the lane, so that
/// the replies lead back. Of a peer's call we see epoch and connection id only: their hash is the lane, so that one
/// client's connections, and those of many clients, are spread evenly.
public struct RxLane: Sendable, Hashable, BitwiseCopyable {
  public var index: Int
  public var count: Int
  /// What all lanes of a port share, since peers see one client in them; nil for a random one.
  public var epoch: UInt32?

  /// More would leave few connection ids to each.
  public static let countMax = 64
  /// The one owner of its port.
  public static let only = RxLane(index: 0, of: 1)
  /// Multiplier of the hash, 2^32 divided by the golden ratio (Knuth, TAOCP volume 3, section 6.4).
  public static let hashMultiplier: UInt32 = 0x9E37_79B1

  public init(index: Int, of count: Int, epoch: UInt32? = nil) {
    precondition((1...Self.countMax).contains(count) && (0..<count).contains(index))
    self.index = index
    self.count = count
    self.epoch = epoch
  }

  /// The bits of a connection id, shifted down by the two of the channel, that hold the lane of a call of ours.
  public static func mask(of count: Int) -> UInt32 {
    var mask: UInt32 = 0
    while mask < UInt32(count - 1) { mask = mask << 1 | 1 }
    return mask
  }

  /// The lane that a datagram belongs to.
  /// - Returns: nil when it belongs to no connection, so that any lane may take it.
  public static func index(of datagram: UnsafeRawBufferPointer, among count: Int) -> Int? {
    guard let header = RxHeader(datagram), let type = PacketType(rawValue: header.type) else { return nil }
    switch type {
    // The answer to a question of ours has the question's connection id, a question of a peer any.
    case .version: if header.isFromClient { return nil }
    case .debug, .parameters, .parameters2, .parameters3: return nil
    case .data, .ack, .busy, .abort, .ackAll, .challenge, .response: break
    }
    let number = header.cid >> 2
    if header.isFromClient {
      return Int(((number ^ header.epoch) &* hashMultiplier) >> 16) % count
    }
    let lane = Int(number & mask(of: count))
    // No call of ours: the one that drops it.
    return lane < count ? lane : nil
  }

  /// Ids that lead here differ by this from one another.
  var connectionIDStride: UInt32 { (Self.mask(of: count) + 1) * (RxHeader.channelMask + 1) }

  /// An id that leads here, made of a random number.
  func connectionID(from random: UInt32) -> UInt32 {
    random & ~(connectionIDStride - 1) | UInt32(index) * (RxHeader.channelMask + 1)
  }
}
