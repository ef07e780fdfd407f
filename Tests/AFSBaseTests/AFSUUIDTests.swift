import AFSBase
import Testing

@Suite struct AFSUUIDTests {
  @Test("A UUID survives its textual form", arguments: [1, 2, 3] as [UInt64])
  func roundTrip(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let uuid = AFSUUID(using: &generator)
    let text = uuid.description
    #expect(text.utf8.count == 36)
    #expect(AFSUUID(text) == uuid)
    #expect(Array(text.utf8)[14] == UInt8(ascii: "4"))
  }

  @Test(
    "Text which is no UUID is refused",
    arguments: ["", "x", "00000000-0000-0000-0000-00000000000", "00000000x0000-0000-0000-000000000000"])
  func refused(text: String) {
    #expect(AFSUUID(text) == nil)
  }
}
