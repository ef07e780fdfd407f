import AFSBase
import Testing

@testable import RxCore

@Suite struct ProvenStrangersTests {
  private let start = MonotonicTime.zero + .seconds(1000)

  private func address(_ host: Int, port: Int = 7001) -> RxAddress {
    RxAddress(ipv4: 0x0A00_0000 + UInt32(host), port: UInt16(port))
  }

  @Test("An answer sent again and again pushes nobody out")
  func repeated() {
    var strangers = ProvenStrangers()
    strangers.note(address(1), now: start)
    for _ in 0..<3 * ProvenStrangers.countMax { strangers.note(address(2), now: start + .seconds(1)) }
    #expect(strangers.count == 2)
    #expect(strangers.provenAt(address(1)) == start)
  }

  @Test("A host with all its ports has a share, which it gets back")
  func share() {
    var strangers = ProvenStrangers()
    strangers.note(address(1), now: start)
    for port in 1...60_000 { strangers.note(address(2, port: port), now: start) }
    #expect(strangers.count == 1 + ProvenStrangers.hostCountMax)
    #expect(strangers.provenAt(address(1)) == start)
    #expect(strangers.take(address(2, port: 1)) == start)
    strangers.note(address(2, port: 60_000), now: start)
    #expect(strangers.provenAt(address(2, port: 60_000)) == start)
    let later = start + AddressProof.lifetime
    for port in 1...100 { strangers.note(address(2, port: port), now: later) }
    #expect(strangers.count == ProvenStrangers.hostCountMax)
  }

  @Test("The table is bounded; the oldest goes first")
  func bound() {
    var strangers = ProvenStrangers()
    for host in 0...ProvenStrangers.countMax { strangers.note(address(host), now: start + .milliseconds(host)) }
    #expect(strangers.count == ProvenStrangers.countMax)
    #expect(strangers.provenAt(address(0)) == nil)
    #expect(strangers.provenAt(address(1)) != nil)
  }
}
