import Glibc
import TestFolders
import Testing

@testable import AFSFuse

@Suite struct MountPointTests {
  /// `PARENT/mnt` is the mount point.
  private func withPoint(_ body: (MountPoint, String) throws -> Void) throws {
    let folder = TemporaryFolder()
    for name in ["mnt", "mnt2", "other"] { #expect(mkdir(folder.path + "/" + name, 0o700) == 0) }
    let point = try MountPoint(checking: folder.path + "/mnt", allowsNonempty: false)
    let parent = String(point.path.dropLast("/mnt".count))
    try body(point, parent)
    withExtendedLifetime(folder) {}
  }

  @Test(
    "Paths through the mount point, whether what they name exists or not",
    arguments: ["mnt", "mnt/", "mnt/a/b", "./mnt/a", "other/../mnt/a", "mnt/../other", "missing/../mnt/x"])
  func through(path: String) throws {
    try withPoint { point, parent in #expect(point.isPassed(by: parent + "/" + path)) }
  }

  @Test("Paths beside it", arguments: ["", "mnt2", "mnt2/a", "other/mnt", "mn", "other/../mnt2"])
  func beside(path: String) throws {
    try withPoint { point, parent in #expect(!point.isPassed(by: parent + "/" + path)) }
  }

  @Test("Symbolic links into it are seen through, absolute, relative, and one after another")
  func links() throws {
    try withPoint { point, parent in
      #expect(symlink(point.path + "/keytab", parent + "/absolute") == 0)
      #expect(symlink("../mnt/keytab", parent + "/other/relative") == 0)
      #expect(symlink("other/relative", parent + "/chain") == 0)
      #expect(symlink("mnt", parent + "/folder") == 0)
      #expect(symlink("other", parent + "/harmless") == 0)
      #expect(symlink("loop", parent + "/loop") == 0)
      for path in ["absolute", "other/relative", "chain", "folder/x", "harmless/relative"] {
        #expect(point.isPassed(by: parent + "/" + path), "\(path)")
      }
      for path in ["harmless", "harmless/x", "loop/x"] { #expect(!point.isPassed(by: parent + "/" + path), "\(path)") }
    }
  }
}
