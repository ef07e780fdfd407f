/// What a server knows a client's connection by.
///
/// An epoch with its high bit set is random, and the connection may move between addresses; else the address is
/// part of the name (OpenAFS src/rx/rx.c, rxi_ConnectionMatch).
struct ServerConnectionKey: Hashable {
  private var epoch: UInt32
  private var cid: UInt32
  private var address: RxAddress

  private static let anywhere = RxAddress(high: 0, low: 0, port: 0)

  init(_ header: RxHeader, from source: RxAddress) {
    self.init(epoch: header.epoch, cid: header.connectionID, address: source)
  }

  init(epoch: UInt32, cid: UInt32, address: RxAddress) {
    self.epoch = epoch
    self.cid = cid
    self.address = epoch & RxEpoch.randomBit != 0 ? Self.anywhere : address
  }
}

/// How epochs are made.
enum RxEpoch {
  static let randomBit: UInt32 = 0x8000_0000
  /// Always clear in random epochs (OpenAFS src/rx/rx.c, rx_InitHost).
  static let reservedBit: UInt32 = 0x4000_0000

  static func random(using generator: inout some RandomNumberGenerator) -> UInt32 {
    UInt32(truncatingIfNeeded: generator.next()) & ~reservedBit | randomBit
  }
}
