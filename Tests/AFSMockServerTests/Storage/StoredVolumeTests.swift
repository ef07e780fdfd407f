import AFSBase
import AFSTypes
import Testing

@testable import AFSMockServer

@Suite struct StoredVolumeTests {
  static let now = WallTime(seconds: 1_700_000_000)

  static func volume(quota: UInt64 = 0) -> StoredVolume {
    var volume = StoredVolume(id: VolumeID(7), name: "test", accessList: .open, now: now)
    volume.quota = quota
    return volume
  }

  static let root = FID.root(of: VolumeID(7))

  static func file(_ volume: inout StoredVolume, _ name: String, in parent: FID = root) throws -> FID {
    try volume.create(
      Array(name.utf8), in: parent, .file(FilePages()), permissions: 0o644, owner: 0, now: now)
  }

  static func directory(_ volume: inout StoredVolume, _ name: String, in parent: FID = root) throws -> FID {
    try volume.create(
      Array(name.utf8), in: parent, .directory(StoredDirectory(accessList: .open)), permissions: 0o755, owner: 0,
      now: now)
  }

  @Test("Creating a file advances its directory's data version by one; storing advances the file's")
  func versions() throws {
    var volume = Self.volume()
    let before = try volume.vnode(Self.root).dataVersion.rawValue
    let file = try Self.file(&volume, "x")
    #expect(try volume.vnode(Self.root).dataVersion.rawValue == before + 1)
    let version = try volume.vnode(file).dataVersion.rawValue
    try volume.store([1, 2, 3], at: 0, length: 3, in: file, now: Self.now)
    #expect(try volume.vnode(file).dataVersion.rawValue == version + 1)
    #expect(try volume.vnode(file).data(at: 0, count: 10) == [1, 2, 3])
  }

  @Test("Directories have odd vnode numbers, files even ones")
  func parity() throws {
    var volume = Self.volume()
    #expect(try Self.file(&volume, "f").vnode % 2 == 0)
    #expect(try Self.directory(&volume, "d").vnode % 2 == 1)
  }

  @Test("A store beyond the quota takes nothing")
  func quota() throws {
    var volume = Self.volume(quota: 10)
    let file = try Self.file(&volume, "f")
    try volume.store([UInt8](repeating: 1, count: 4096), at: 0, length: 4096, in: file, now: Self.now)
    #expect(throws: StorageError.overQuota) {
      try volume.store([UInt8](repeating: 2, count: 9000), at: 4096, length: 13096, in: file, now: Self.now)
    }
    #expect(try volume.vnode(file).data(at: 0, count: .max) == [UInt8](repeating: 1, count: 4096))
  }

  @Test("A read-only copy refuses changes and keeps its contents")
  func readOnly() throws {
    var volume = Self.volume()
    let file = try Self.file(&volume, "f")
    var copy = volume.clone(id: VolumeID(8), name: "test.readonly", kind: .readOnly)
    try volume.store([9], at: 0, length: 1, in: file, now: Self.now)
    let copied = FID(volume: VolumeID(8), vnode: file.vnode, unique: file.unique)
    #expect(try copy.vnode(copied).length == 0)
    #expect(throws: StorageError.readOnly) { try copy.store([1], at: 0, length: 1, in: copied, now: Self.now) }
  }

  @Test("Rename replaces a file, refuses a directory that is not empty, and moves .. along")
  func rename() throws {
    var volume = Self.volume()
    let a = try Self.directory(&volume, "a")
    let b = try Self.directory(&volume, "b")
    let inner = try Self.directory(&volume, "inner", in: a)
    let old = try Self.file(&volume, "old", in: b)
    let new = try Self.file(&volume, "new", in: a)
    let renamed = try volume.rename(Array("new".utf8), in: a, to: Array("old".utf8), in: b, now: Self.now)
    #expect(renamed.moved == new && renamed.replaced == old)
    #expect(throws: StorageError.noSuchVnode) { try volume.vnode(old) }
    _ = try volume.rename(Array("inner".utf8), in: a, to: Array("moved".utf8), in: b, now: Self.now)
    #expect(try volume.directory(inner).1.lookup(Array("..".utf8))?.vnode == b.vnode)
    #expect(throws: StorageError.invalid) {
      try volume.rename(Array("b".utf8), in: Self.root, to: Array("x".utf8), in: inner, now: Self.now)
    }
    #expect(throws: StorageError.notEmpty) {
      try volume.rename(Array("a".utf8), in: Self.root, to: Array("b".utf8), in: Self.root, now: Self.now)
    }
  }

  @Test("Removing a file's last name frees its blocks; a second name keeps it")
  func links() throws {
    var volume = Self.volume()
    let used = volume.blocksUsed
    let file = try Self.file(&volume, "one")
    try volume.link(Array("two".utf8), in: Self.root, to: file, now: Self.now)
    _ = try volume.removeFile(Array("one".utf8), from: Self.root, now: Self.now)
    #expect(try volume.vnode(file).linkCount == 1)
    _ = try volume.removeFile(Array("two".utf8), from: Self.root, now: Self.now)
    #expect(throws: StorageError.noSuchVnode) { try volume.vnode(file) }
    #expect(volume.blocksUsed == used)
  }
}
