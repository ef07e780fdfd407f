import AFSBase
import RxCore
import Testing

@testable import AFSClient

@Suite struct AddressHealthTests {
  private static func new() -> AddressHealth { AddressHealth(RxAddress(ipv4: 0x0A00_0001, port: 7000)) }

  @Test("An address is up until it fails, and down from its first failure until it answers")
  func upAndDown() {
    var health = Self.new()
    #expect(!health.isDown)
    health.failedToAnswer(refused: false, now: .zero + .seconds(3))
    health.failedToAnswer(refused: true, now: .zero + .seconds(7))
    #expect(health.isRefusing)
    #expect(health.downSince == .zero + .seconds(3))
    #expect(health.lastTried == .zero + .seconds(7))
    health.answered(after: .milliseconds(2), now: .zero + .seconds(9))
    #expect(!health.isDown && !health.isRefusing)
    #expect(health.roundTrip == .milliseconds(2))
  }

  @Test("Short calls set the estimate, long ones move it little")
  func estimate() throws {
    var health = Self.new()
    health.answered(after: .seconds(2), now: .zero)
    for _ in 0..<12 { health.answered(after: .milliseconds(1), now: .zero) }
    let low = try #require(health.roundTrip)
    #expect(low < .milliseconds(2))
    for _ in 0..<10 { health.answered(after: .seconds(1), now: .zero) }
    #expect(try #require(health.roundTrip) < low * 3 / 2)
  }

  @Test("Calls that move bulk data show that a server is there, not how far away it is")
  func bulk() {
    var health = Self.new()
    health.failedToAnswer(refused: false, now: .zero)
    health.answered(after: nil, now: .zero + .seconds(9))
    #expect(!health.isDown && health.hasAnswered)
    #expect(health.roundTrip == nil)
    health.answered(after: .milliseconds(2), now: .zero + .seconds(9))
    health.answered(after: nil, now: .zero + .seconds(19))
    #expect(health.roundTrip == .milliseconds(2))
    #expect(health.lastTried == .zero + .seconds(19))
  }

  @Test("Addresses that are down are probed after 10 s, idle ones after 4 minutes, untried ones never")
  func probes() {
    var health = Self.new()
    #expect(!health.isProbeDue(now: .zero + .seconds(100_000)))
    health.answered(after: .milliseconds(1), now: .zero)
    #expect(!health.isProbeDue(now: .zero + .seconds(239)))
    #expect(health.isProbeDue(now: .zero + .seconds(240)))
    health.failedToAnswer(refused: false, now: .zero + .seconds(240))
    #expect(!health.isProbeDue(now: .zero + .seconds(249)))
    #expect(health.isProbeDue(now: .zero + .seconds(250)))
    health.failedToAnswer(refused: false, now: .zero + .seconds(250))
    #expect(!health.isProbeDue(now: .zero + .seconds(259)))
  }
}
