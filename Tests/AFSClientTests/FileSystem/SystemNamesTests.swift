import AFSClient
import Testing

@Suite struct SystemNamesTests {
  @Test(
    "Machines have OpenAFS's names",
    arguments: [
      ("x86_64", ["amd64_linux26"]), ("aarch64", ["arm64_linux26"]), ("armv7l", ["arm_linux26"]), ("vax", []),
    ])
  func names(machine: String, expected: [String]) {
    #expect(SystemNames.defaults(machine: machine) == expected)
  }
}
