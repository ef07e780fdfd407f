import Testing

@testable import RxCore

@Suite struct StrangerCreditTests {
  private func address(_ number: Int) -> RxAddress { RxAddress(ipv4: 0x0A00_0000 + UInt32(number), port: 7001) }

  @Test("Bytes of an address add up until they are spent")
  func sum() {
    var credit = StrangerCredit()
    #expect(credit.received(28, from: address(1)) == 28)
    #expect(credit.received(29, from: address(2)) == 29)
    #expect(credit.received(28, from: address(1)) == 56)
    credit.spend(address(1))
    #expect(credit.received(28, from: address(1)) == 28)
    #expect(credit.received(1, from: address(2)) == 30)
  }

  @Test("Of many addresses the newest are kept")
  func bound() {
    var credit = StrangerCredit()
    for number in 0...StrangerCredit.countMax { _ = credit.received(28, from: address(number)) }
    #expect(credit.count == StrangerCredit.countMax)
    #expect(credit.received(28, from: address(StrangerCredit.countMax)) == 56)
    #expect(credit.received(28, from: address(0)) == 28)
  }
}
