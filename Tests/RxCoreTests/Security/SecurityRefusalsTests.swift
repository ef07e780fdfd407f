import AFSBase
import AFSTypes
import Testing

@testable import RxCore

@Suite struct SecurityRefusalsTests {
  private static let start = MonotonicTime.zero + .seconds(1000)

  static func failure(_ code: Int32, _ reason: String = "a reason") -> RxSecurityFailure {
    RxSecurityFailure(code: AbortCode(code), reason: reason)
  }

  /// Refuses something of `count` peers at once.
  /// - Returns: how many of them are told of.
  private static func flood(
    _ refusals: inout SecurityRefusals, peers first: UInt32, _ count: UInt32, now: MonotonicTime
  ) -> Int {
    for address in first..<first + count {
      refusals.note(failure(5), from: RxAddress(ipv4: address, port: 1), now: now)
    }
    var told = 0
    while refusals.next() != nil { told += 1 }
    return told
  }

  @Test("Each peer and code is told once an hour, whatever the words")
  func once() {
    var refusals = SecurityRefusals(now: Self.start)
    let (one, two) = (RxAddress(ipv4: 1, port: 7000), RxAddress(ipv4: 2, port: 7000))
    refusals.note(Self.failure(5), from: one, now: Self.start)
    refusals.note(Self.failure(5, "other words"), from: one, now: Self.start)
    refusals.note(Self.failure(6), from: one, now: Self.start)
    refusals.note(Self.failure(5), from: two, now: Self.start)
    #expect(refusals.next() == RxSecurityRefusal(peer: one, code: AbortCode(5), reason: "a reason"))
    #expect(refusals.next()?.code == AbortCode(6))
    #expect(refusals.next()?.peer == two)
    #expect(refusals.next() == nil)
    refusals.note(Self.failure(5), from: one, now: Self.start + .seconds(3599))
    #expect(refusals.next() == nil)
    refusals.note(Self.failure(5), from: one, now: Self.start + .seconds(3600))
    #expect(refusals.next()?.peer == one)
  }

  @Test("Of peers without end so many a minute are told, now and for ever")
  func rate() {
    var refusals = SecurityRefusals(now: Self.start)
    #expect(Self.flood(&refusals, peers: 0, 10_000, now: Self.start) == SecurityRefusals.perMinute)
    #expect(Self.flood(&refusals, peers: 10_000, 10_000, now: Self.start + .milliseconds(900)) == 0)
    for minute in 1...100 {
      let now = Self.start + .seconds(60 * minute)
      #expect(
        Self.flood(&refusals, peers: UInt32(minute + 2) * 10_000, 10_000, now: now) == SecurityRefusals.perMinute)
    }
  }

  @Test("A peer that a flood kept from being told of is told of afterwards")
  func afterFlood() {
    var refusals = SecurityRefusals(now: Self.start)
    _ = Self.flood(&refusals, peers: 0, 1000, now: Self.start)
    #expect(Self.flood(&refusals, peers: 1_000_000, 1, now: Self.start) == 0)
    #expect(Self.flood(&refusals, peers: 1_000_000, 1, now: Self.start + .seconds(2)) == 1)
  }

  @Test("A driver that never asks does not make them grow")
  func unasked() {
    var refusals = SecurityRefusals(now: Self.start)
    for minute in 0..<100 {
      for address in UInt32(0)..<100 {
        refusals.note(
          Self.failure(5), from: RxAddress(ipv4: UInt32(minute) * 100 + address, port: 1),
          now: Self.start + .seconds(60 * minute))
      }
    }
    var told = 0
    while refusals.next() != nil { told += 1 }
    #expect(told == SecurityRefusals.rememberedMax)
  }
}
