import AFSBase
import AFSTypes
import Glibc
import Testing

@testable import AFSCache

/// An owner which culls what it is told to, or nothing.
final class TestOwner: CacheFileOwner {
  let onCull: @Sendable (UInt64) -> Void

  init(onCull: @escaping @Sendable (UInt64) -> Void = { _ in }) {
    self.onCull = onCull
  }

  func cull(_ bytes: UInt64) { onCull(bytes) }
}

extension CacheFile {
  func write(_ bytes: [UInt8], at offset: UInt64) throws {
    try bytes.withUnsafeBytes { try write(at: offset, $0) }
  }

  func bytes(_ range: Range<UInt64>) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: Int(range.length))
    try bytes.withUnsafeMutableBytes { try read(at: range.lowerBound, into: $0) }
    return bytes
  }
}

extension CacheKey {
  static func vnode(_ number: UInt64) -> CacheKey {
    CacheKey(cell: 1, fid: FID(volume: VolumeID(7), vnode: number, unique: 3))
  }
}

@Suite struct CacheFileTests {
  let folder = TemporaryDirectory()

  private func cache(memoryFileMax: Int = 64 << 10) throws -> DiskCache {
    try DiskCache(
      directory: folder.path, limits: DiskCache.Limits(sizeMax: 64 << 20, memoryFileMax: memoryFileMax))
  }

  @Test("A small file touches no disk")
  func small() throws {
    let cache = try cache()
    let owner = TestOwner()
    let file = cache.checkOut(.vnode(1), owner: owner).file
    try file.write([1, 2, 3], at: 1000)
    #expect(try file.bytes(999..<1005) == [0, 1, 2, 3, 0, 0])
    #expect(folder.cacheFiles.isEmpty)
    #expect(cache.usage.memoryBytes >= 1003)
    #expect(cache.usage.diskBytes == 0)
  }

  @Test("A file that grows moves to the disk with its bytes")
  func grows() throws {
    let cache = try cache()
    let owner = TestOwner()
    let file = cache.checkOut(.vnode(1), owner: owner).file
    try file.write([1, 2, 3], at: 0)
    try file.write([9], at: 1 << 33)
    #expect(try file.bytes(0..<5) == [1, 2, 3, 0, 0])
    #expect(try file.bytes((1 << 33) - 1..<(1 << 33) + 2) == [0, 9, 0])
    #expect(folder.cacheFiles.count == 1)
    #expect(cache.usage.memoryBytes == 0)
    #expect(folder.allocatedBytes < 1 << 20)
  }

  @Test("What somebody removed from the disk is an error, not zeros; dropped, it can be written anew")
  func removedByOthers() throws {
    let limits = DiskCache.Limits(sizeMax: 64 << 20, memoryFileMax: 0, descriptorsMax: 1)
    let cache = try DiskCache(directory: folder.path, limits: limits)
    let owner = TestOwner()
    let file = cache.checkOut(.vnode(1), owner: owner).file
    try file.write([1, 2, 3], at: 0)
    let name = try #require(folder.cacheFiles.first)
    // Another file's descriptor takes the place of this one's.
    try cache.checkOut(.vnode(2), owner: owner).file.write([4], at: 0)
    #expect(unlink(folder.path + "/" + name) == 0)
    #expect(throws: CacheError.self) { try file.bytes(0..<3) }
    #expect(throws: CacheError.self) { try file.write([5], at: 1) }
    file.removeStorage()
    try file.write([6], at: 1)
    #expect(try file.bytes(0..<3) == [0, 6, 0])
  }

  @Test("Bytes are what was last written, wherever they lie", arguments: 1...12 as ClosedRange<UInt64>)
  func model(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    // Files small enough to cross from memory to the disk in the middle of the run.
    let cache = try cache(memoryFileMax: 6000)
    let owner = TestOwner()
    let file = cache.checkOut(.vnode(seed), owner: owner).file
    var model = [UInt8](repeating: 0, count: 20_000)
    for _ in 0..<200 {
      let offset = Int.random(in: 0..<(seed % 2 == 0 ? 5000 : 18_000), using: &generator)
      let count = Int.random(in: 1...min(2000, model.count - offset), using: &generator)
      switch Int.random(in: 0..<10, using: &generator) {
      case 0...5:
        let bytes = (0..<count).map { _ in UInt8.random(in: 1...255, using: &generator) }
        try file.write(bytes, at: UInt64(offset))
        model.replaceSubrange(offset..<offset + count, with: bytes)
      case 6:
        file.truncate(to: UInt64(offset))
        for index in offset..<model.count { model[index] = 0 }
      case 7:
        file.punch(UInt64(offset)..<UInt64(offset + count))
        for index in offset..<offset + count { model[index] = 0 }
      case 8:
        try file.spill()
      default:
        if offset % 17 == 0 {
          file.removeStorage()
          model = [UInt8](repeating: 0, count: model.count)
        }
      }
      let range = offset..<offset + count
      #expect(try file.bytes(UInt64(range.lowerBound)..<UInt64(range.upperBound)) == Array(model[range]))
    }
    #expect(try file.bytes(0..<UInt64(model.count)) == model)
  }

  @Test("Punching gives blocks back")
  func punch() throws {
    let cache = try cache()
    let owner = TestOwner()
    let file = cache.checkOut(.vnode(1), owner: owner).file
    try file.write([UInt8](repeating: 7, count: 4 << 20), at: 0)
    #expect(cache.usage.diskBytes >= 4 << 20)
    file.punch(0..<3 << 20)
    #expect(cache.usage.diskBytes <= 1 << 20 + 65536)
    #expect(cache.usage.diskBytes == folder.allocatedBytes)
    #expect(try file.bytes((3 << 20) - 1..<(3 << 20) + 1) == [0, 7])
  }

  @Test("What an owner leaves is there for the next one, with its record")
  func parked() throws {
    let cache = try cache()
    let owner = TestOwner()
    let (file, ownership, record) = cache.checkOut(.vnode(1), owner: owner)
    #expect(record == nil)
    try file.write([1, 2, 3], at: 0)
    let left = CacheRecord(dataVersion: DataVersion(5), length: 3, valid: RangeSet(0..<3))
    file.giveBack(left, ownership: ownership)
    let again = cache.checkOut(.vnode(1), owner: owner)
    #expect(again.record == left)
    #expect(try again.file.bytes(0..<3) == [1, 2, 3])
    // The first owner's late word does not count.
    file.giveBack(nil, ownership: ownership)
    #expect(try again.file.bytes(0..<3) == [1, 2, 3])
    again.file.giveBack(nil, ownership: again.ownership)
    #expect(cache.usage.files == 0)
    #expect(cache.usage.memoryBytes == 0)
  }
}
