import AFSControl
import Testing

@testable import afsfuse

@Suite struct RxStatusTextTests {
  @Test(
    "Durations have a unit",
    arguments: [
      (0, "0us"), (999, "999us"), (1000, "1.0ms"), (4_649, "4.6ms"), (4_650, "4.7ms"), (999_949, "999.9ms"),
      (999_950, "1.0s"), (26_000_000, "26.0s"), (.max, "9223372036854.8s"),
    ] as [(Int64, String)])
  func durations(microseconds: Int64, text: String) {
    #expect(RxStatusText.duration(microseconds: microseconds) == text)
  }

  @Test("Columns of times are in their units, others are not, and what is absent is a dash")
  func columns() {
    let peer = JSONValue.object([
      .init("address", .string("10.0.0.1:7000")), .init("calls", .integer(2000)), .init("roundTrip", .integer(2000)),
      .init("variation", .null),
    ])
    let text = RxStatusText(.object([.init("peers", .array([peer]))])).text
    let words = text.split(separator: "\n").first { $0.contains("10.0.0.1") }?.split(separator: " ")
    #expect(words == ["10.0.0.1:7000", "-", "2000", "2.0ms", "-", "-", "-", "-"])
  }
}
