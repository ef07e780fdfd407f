import Testing

@testable import rxperf

@Suite struct LengthListTests {
  @Test(
    "A line is a length, in decimal or hexadecimal; an empty one turns the direction",
    arguments: [("12\n", 12), ("0x10\n", 16), ("\n", 0), ("  \n", 0), ("7", 7)] as [(String, UInt32)])
  func lines(text: String, value: UInt32) throws {
    #expect(try LengthList.entry(text, "list", 1) == value)
  }

  @Test("Other lines are refused with their number", arguments: ["x\n", "1 2\n", "-1\n", "600000000\n"])
  func wrong(text: String) {
    let error = #expect(throws: PerfError.self) { try LengthList.entry(text, "list", 9) }
    #expect(error?.description.contains("list:9") == true)
  }

  @Test("A missing file is named")
  func missing() {
    let error = #expect(throws: PerfError.self) { try LengthList.read("/nonexistent/list") }
    #expect(error?.description.contains("/nonexistent/list: No such file") == true)
  }
}
