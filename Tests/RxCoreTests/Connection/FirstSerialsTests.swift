import AFSBase
import Testing

@testable import RxCore

@Suite struct FirstSerialsTests {
  private static let address = RxAddress(ipv4: 0x0A00_0001, port: 7001)

  private static func serials(seed: UInt64 = 1) -> FirstSerials {
    var generator = KeyedGenerator(key: RandomKey(seed: seed))
    return FirstSerials(using: &generator)
  }

  @Test("The same connection begins near where it began before, another elsewhere, and so does another server's")
  func nearness() {
    let header = AmplificationTests.request(cid: 16)
    let now = MonotonicTime.zero + FirstSerials.period * 100
    let first = Self.serials().base(header, from: Self.address, now: now)
    let later = Self.serials().base(header, from: Self.address, now: now + FirstSerials.period / 2)
    #expect((1...5000).contains(later - first))
    for other in [
      Self.serials().base(AmplificationTests.request(cid: 20), from: Self.address, now: now),
      Self.serials().base(header, from: RxAddress(ipv4: 0x0A00_0001, port: 7002), now: now),
      Self.serials(seed: 2).base(header, from: Self.address, now: now),
    ] { #expect(abs(other - first) > 1 << 18) }
  }

  @Test("From one period to the next a connection begins elsewhere")
  func periods() {
    let header = AmplificationTests.request(cid: 16)
    let start = MonotonicTime.zero + FirstSerials.period * 100
    let bases = (0..<50).map { number in
      Self.serials().base(header, from: Self.address, now: start + FirstSerials.period * number)
    }
    for (one, other) in zip(bases, bases.dropFirst()) { #expect(abs(other - one) > 1 << 18) }
    #expect(bases.map(\.rawValue).max()! > 1 << 29)
    let last = Self.serials().base(header, from: Self.address, now: start + FirstSerials.period - .nanoseconds(1))
    #expect((1...5000).contains(last - bases[0]))
  }

  @Test("Serials begin above 0 and leave the upper half of their range free")
  func range() {
    for number in UInt32(0)..<1000 {
      let serial = Self.serials().base(AmplificationTests.request(cid: number << 2), from: Self.address, now: .zero)
      #expect((1..<1 << 30).contains(serial.rawValue))
    }
  }
}
