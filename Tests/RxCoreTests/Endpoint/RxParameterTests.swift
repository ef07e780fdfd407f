import Foundation
import RxCore
import Testing

@Suite struct RxParameterTests {
  @Test("Every parameter can be set to both ends of its range, and reads back")
  func ends() throws {
    for parameter in RxParameter.all {
      for value in [parameter.range.lowerBound, parameter.range.upperBound] {
        var configuration = RxEndpointConfiguration()
        try configuration.apply("\(parameter.name)=\(value)")
        #expect(parameter.value(in: configuration) == value, "\(parameter.name)")
      }
    }
  }

  @Test("The defaults lie within the ranges")
  func defaults() {
    for parameter in RxParameter.all {
      #expect(parameter.range.contains(parameter.value(in: RxEndpointConfiguration())), "\(parameter.name)")
    }
  }

  @Test("Names are unique")
  func unique() {
    #expect(Set(RxParameter.all.map(\.name)).count == RxParameter.all.count)
  }

  @Test(
    "What is wrong with a setting is said",
    arguments: [
      ("rx_window_size", "is not NAME=NUMBER"), ("rx_window_size=many", "no whole number from 1 to"),
      ("rx_window_size=0", "no whole number from 1 to"), ("rx_windows=3", "no Rx parameter 'rx_windows'"),
      ("=3", "no Rx parameter ''"),
    ])
  func errors(text: String, message: String) {
    var configuration = RxEndpointConfiguration()
    let error = #expect(throws: RxParameterError.self) { try configuration.apply(text) }
    #expect(error?.description.contains(message) == true)
    #expect(configuration == RxEndpointConfiguration())
  }

  @Test("Docs/mounting.md has a row for each, with its default")
  func documented() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "Docs/mounting.md"), encoding: .utf8)
    for parameter in RxParameter.all {
      let value = parameter.value(in: RxEndpointConfiguration())
      let row = "| `\(parameter.name)` | \(value) \(parameter.unit.rawValue)"
      #expect(text.contains(row), "no row \(row)")
    }
  }

  @Test("Hyphens stand for underscores")
  func hyphens() throws {
    var configuration = RxEndpointConfiguration()
    try configuration.apply("rx-window-size=32")
    #expect(configuration.receiveWindow == 32)
  }
}
