import Testing

@testable import AFSFuse

@Suite struct MountTableTests {
  private func entry(_ path: String, device: String = "0:42", type: String = "fuse.afsfuse") throws -> MountTableEntry {
    let line = "36 35 \(device) / \(path) rw,nosuid shared:1 - \(type) afs rw,user_id=1000,group_id=100"
    return try #require(MountTableEntry(line[...]))
  }

  @Test("A line of mountinfo is understood, blanks in paths and all")
  func line() throws {
    let line = #"36 35 0:42 / /home/me/my\040afs rw,nosuid shared:1 - fuse.afsfuse afs rw,user_id=0"#
    let entry = try #require(MountTableEntry(line[...]))
    #expect(entry.mountPoint == "/home/me/my afs")
    #expect(entry.type == "fuse.afsfuse")
    #expect(entry.device == "0:42")
    #expect(entry.userID == 0)
    #expect(entry.groupID == nil)
    #expect(MountTableEntry("nonsense") == nil)
    #expect(!MountTable.read().isEmpty)
  }

  @Test("Who mounted it is said")
  func owner() throws {
    let entry = try entry("/afs")
    #expect(entry.userID == 1000)
    #expect(entry.groupID == 100)
  }

  @Test("A mount that another one hides cannot be asked, and mounts of others are none of ours")
  func hidden() throws {
    let entries = [
      try entry("/a", device: "0:1"), try entry("/b", device: "0:2"), try entry("/c", device: "0:3"),
      try entry("/a", device: "0:4"), try entry("/b", device: "0:5", type: "tmpfs"),
    ]
    #expect(MountTable.own(in: entries) == [entries[2], entries[3]])
  }
}
