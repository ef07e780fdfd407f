import Glibc
import TestFolders
import Testing

@testable import AFSControl

@Suite struct RuntimeFolderTests {
  private static let user: uid_t = 4_000_000_000

  @Test("The folder is made where XDG_RUNTIME_DIR says")
  func made() throws {
    let folder = TemporaryFolder()
    let user = geteuid() == 0 ? Self.user : geteuid()
    try RuntimeFolder.makeOwn(of: user, folder.path)
    #expect(access(folder.path + "/afsfuse", F_OK) == 0)
  }

  @Test(
    "Where it cannot be made, the variable and its value are named",
    arguments: [("/nonexistent", ENOENT), ("/dev/null", ENOTDIR), ("run", EINVAL)])
  func unusable(value: String, code: Int32) {
    let error = ControlError.badEnvironment(value, path: value + "/afsfuse", errno: code)
    #expect(throws: error) { try RuntimeFolder.makeOwn(of: Self.user, value) }
    #expect(error.description.contains("\(value)/afsfuse: \(String(cString: strerror(code)))"))
    #expect(error.description.contains("XDG_RUNTIME_DIR is '\(value)'"))
  }

  @Test("That it is not set is said, too")
  func unset() {
    let error = ControlError.badEnvironment(nil, path: "/tmp/afsfuse-1", errno: ENOSPC)
    #expect(error.description.contains("XDG_RUNTIME_DIR is not set"))
  }
}
