import AFSBase
import Testing

@testable import RxCore

@Suite struct AddressCookieTests {
  private static let address = RxAddress(ipv4: 0x0A00_0001, port: 7001)

  private static func cookie(lane: RxLane = .only, seed: UInt64 = 1) -> AddressCookie {
    var generator = KeyedGenerator(key: RandomKey(seed: seed))
    return AddressCookie(lane: lane, using: &generator)
  }

  @Test("A cookie is good for its address only, for 16 s at least and 32 s at most", arguments: [0, 1, 8, 15])
  func goodness(second: Int64) {
    let cookie = Self.cookie()
    let now = MonotonicTime.zero + .seconds(1600 + second)
    let value = cookie.value(for: Self.address, now: now)
    for later in [0, 1, 16] { #expect(cookie.isGood(value, for: Self.address, now: now + .seconds(later))) }
    #expect(!cookie.isGood(value, for: Self.address, now: now + .seconds(32)))
    #expect(!cookie.isGood(value, for: RxAddress(ipv4: 0x0A00_0001, port: 7002), now: now))
    #expect(!cookie.isGood(value, for: RxAddress(ipv4: 0x0A00_0002, port: 7001), now: now))
    #expect(!cookie.isGood(value ^ 1 << 40, for: Self.address, now: now))
    #expect(!Self.cookie(seed: 2).isGood(value, for: Self.address, now: now))
  }

  @Test("The answer leads back to the lane that asked", arguments: 0..<5)
  func lanes(index: Int) {
    let cookie = Self.cookie(lane: RxLane(index: index, of: 5))
    let value = cookie.value(for: Self.address, now: .zero)
    let header = RxHeader(
      epoch: UInt32(value >> 32), cid: UInt32(truncatingIfNeeded: value), callNumber: .connection, type: .version,
      flags: [], securityIndex: 0, serviceID: 0)
    var bytes = [UInt8](repeating: 0, count: 93)
    bytes.withUnsafeMutableBytes { header.write(to: $0.baseAddress!) }
    #expect(bytes.withUnsafeBytes { RxLane.index(of: $0, among: 5) } == index)
  }
}
