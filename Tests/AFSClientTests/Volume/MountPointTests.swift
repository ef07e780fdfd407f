import AFSTypes
import Testing

@testable import AFSClient

@Suite struct MountPointTests {
  @Test(
    "Texts of mount points",
    arguments: [
      ("#root.cell.", nil, "root.cell", false), ("%root.cell.", nil, "root.cell", true),
      ("#example.org:user.a.", "example.org", "user.a", false), ("%example.org:v", "example.org", "v", true),
      ("#v.readonly.", nil, "v.readonly", false), ("#536870915.", nil, "536870915", false),
      ("#v.backup.", nil, "v.backup", false), ("%example.org:v.readonly.", "example.org", "v.readonly", true),
      ("#EXAMPLE.org:v.", "example.org", "v", false), ("#v", nil, "v", false),
      ("#" + String(repeating: "v", count: 64) + ".", nil, String(repeating: "v", count: 64), false),
    ] as [(String, String?, String, Bool)])
  func parse(text: String, cell: String?, volume: String, isReadWrite: Bool) throws {
    let point = try #require(MountPoint(Array(text.utf8)))
    #expect(point.cell?.text == cell)
    #expect(point.volume == volume)
    #expect(point.isReadWrite == isReadWrite)
    #expect(MountPoint(point.text) == point)
  }

  @Test(
    "Other texts are no mount points",
    arguments: [
      "", "#", "#.", "%", "x", "/a/b", "#:v.", "#a..b:v.", "#a/b.", "#v w.", "#cell:",
      "#" + String(repeating: "v", count: 65) + ".", "#v\u{0}.", "#v\n.", "#ü.", "#a:b:v.",
      "#" + String(repeating: "c", count: 254) + ":v.", "@root.cell.",
    ])
  func refused(text: String) {
    #expect(MountPoint(Array(text.utf8)) == nil)
  }
}
