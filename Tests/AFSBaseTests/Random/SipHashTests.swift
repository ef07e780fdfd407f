import AFSBase
import Testing

@Suite struct SipHashTests {
  private func hash(_ words: UInt64...) -> UInt64 {
    var hash = SipHash(RandomKey(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908))
    for word in words { hash.add(word) }
    return hash.finish()
  }

  @Test("Values are those of the authors' table of test vectors, for 0, 8 and 16 bytes")
  func vectors() {
    #expect(hash() == 0x726F_DB47_DD0E_0E31)
    #expect(hash(0x0706_0504_0302_0100) == 0x93F5_F579_9A93_2462)
    #expect(hash(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908) == 0x3F2A_CC7F_57C2_9BDB)
  }

  @Test("A generator gives the same numbers for the same key, others for another, and none twice")
  func generator() {
    func numbers(_ key: RandomKey) -> [UInt64] {
      var generator = KeyedGenerator(key: key)
      return (0..<1000).map { _ in generator.next() }
    }
    let one = numbers(RandomKey(1, 2))
    #expect(one == numbers(RandomKey(1, 2)))
    #expect(Set(one).isDisjoint(with: numbers(RandomKey(1, 3))))
    #expect(Set(one).isDisjoint(with: numbers(RandomKey(0, 2))))
    #expect(Set(one).count == 1000)
    #expect(RandomKey(seed: 1) != RandomKey(seed: 2))
  }
}
