import AFSTypes
import Foundation
import Testing

@testable import AFSCache

@Suite struct CacheDirectoryTests {
  let folder = TemporaryDirectory()

  private func cache() throws -> DiskCache { try DiskCache(directory: folder.path, sizeMax: 1 << 20) }

  @Test("A missing directory is made, with its version")
  func made() throws {
    let path = folder.path + "/new"
    _ = try DiskCache(directory: path, sizeMax: 1 << 20)
    #expect(try folder.text(of: "new/VERSION") == "1\n")
  }

  @Test("A second daemon gets a clear error, and the first goes on")
  func locked() throws {
    let first = try cache()
    #expect(throws: CacheError.inUse(directory: folder.path)) { try cache() }
    #expect(CacheError.inUse(directory: "/x").description == "cache directory /x is in use by another afsfuse")
    withExtendedLifetime(first) {}
  }

  @Test("The directory is free again when the cache has gone")
  func unlocked() throws {
    do { _ = try cache() }
    _ = try cache()
  }

  @Test("Files of an earlier process are removed")
  func stale() throws {
    do { _ = try cache() }
    try FileManager.default.createDirectory(atPath: folder.path + "/vnodes/ab", withIntermediateDirectories: true)
    try folder.write("old", to: "vnodes/ab/0.1.2.3")
    let cache = try cache()
    #expect(folder.cacheFiles.isEmpty)
    #expect(cache.usage.diskBytes == 0)
  }

  @Test("A folder with somebody's files is refused, and nothing in it is touched")
  func foreign() throws {
    try FileManager.default.createDirectory(atPath: folder.path + "/vnodes", withIntermediateDirectories: false)
    try folder.write("mine", to: "vnodes/letter")
    #expect(throws: CacheError.notACache(directory: folder.path)) { try cache() }
    #expect(folder.files == ["vnodes/letter"])
  }

  @Test(
    "A newer or damaged version is refused", arguments: ["2\n", "", "x\n", "1x\n", "-1\n", "99999999999999999999\n"])
  func versions(text: String) throws {
    try folder.write(text, to: "VERSION")
    if text.isEmpty {
      // Written by a process that ended between making and filling the file.
      _ = try cache()
      return
    }
    #expect(throws: CacheError.self) { try cache() }
    #expect(try folder.text(of: "VERSION") == text)
  }

  @Test("A directory that cannot be made says why")
  func impossible() {
    #expect(throws: CacheError.system(errno: ENOENT, operation: "mkdir \(folder.path)/a/b")) {
      try DiskCache(directory: folder.path + "/a/b", sizeMax: 1)
    }
  }

  @Test("Names of different vnodes differ")
  func names() {
    var names: Set<String> = []
    for cell in 0..<3 as Range<UInt32> {
      for vnode in [1, 0x11, 0x111] as [UInt64] {
        for unique in [1, 0x11, 0x111] as [UInt32] {
          let key = CacheKey(cell: cell, fid: FID(volume: VolumeID(vnode), vnode: vnode, unique: unique))
          names.insert(key.fileName)
          #expect(key.folderName.utf8.count == 2)
        }
      }
    }
    #expect(names.count == 27)
  }
}
