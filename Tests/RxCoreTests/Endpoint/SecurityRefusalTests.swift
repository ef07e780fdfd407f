import AFSTypes
import Testing

@testable import RxCore

@Suite struct SecurityRefusalTests {
  static func failure(_ code: Int32, _ reason: String = "a reason") -> RxSecurityFailure {
    RxSecurityFailure(code: AbortCode(code), reason: reason)
  }

  @Test("Each peer and code is told once, whatever the words")
  func once() {
    var refusals = SecurityRefusals()
    let (one, two) = (RxAddress(ipv4: 1, port: 7000), RxAddress(ipv4: 2, port: 7000))
    refusals.note(Self.failure(5), from: one)
    refusals.note(Self.failure(5, "other words"), from: one)
    refusals.note(Self.failure(6), from: one)
    refusals.note(Self.failure(5), from: two)
    #expect(refusals.next() == RxSecurityRefusal(peer: one, code: AbortCode(5), reason: "a reason"))
    #expect(refusals.next()?.code == AbortCode(6))
    #expect(refusals.next()?.peer == two)
    #expect(refusals.next() == nil)
    refusals.note(Self.failure(5), from: one)
    #expect(refusals.next() == nil)
  }

  @Test("Peers without end fill neither memory nor log")
  func bounded() {
    var refusals = SecurityRefusals()
    var told = 0
    for address in 0..<UInt32(10_000) {
      refusals.note(Self.failure(5), from: RxAddress(ipv4: address, port: 1))
      while refusals.next() != nil { told += 1 }
    }
    #expect(told == SecurityRefusals.toldMax)
  }
}
