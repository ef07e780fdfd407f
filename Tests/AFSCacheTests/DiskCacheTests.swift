import AFSBase
import AFSTypes
import Foundation
import Synchronization
import Testing

@testable import AFSCache

@Suite struct DiskCacheTests {
  let folder = TemporaryDirectory()

  private func cache(_ change: (inout DiskCache.Limits) -> Void) throws -> DiskCache {
    var limits = DiskCache.Limits(sizeMax: 1 << 20)
    change(&limits)
    return try DiskCache(directory: folder.path, limits: limits)
  }

  private func park(_ number: UInt64, count: Int, in cache: DiskCache) throws {
    let owner = TestOwner()
    let (file, ownership, _) = cache.checkOut(.vnode(number), owner: owner)
    try file.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count), at: 0)
    file.giveBack(
      CacheRecord(dataVersion: DataVersion(1), length: UInt64(count), valid: RangeSet(0..<UInt64(count))),
      ownership: ownership)
  }

  private func isCached(_ number: UInt64, in cache: DiskCache) -> Bool {
    let owner = TestOwner()
    let (file, ownership, record) = cache.checkOut(.vnode(number), owner: owner)
    file.giveBack(record, ownership: ownership)
    return record != nil
  }

  @Test("Files that nobody uses are culled before the cache outgrows its limit")
  func culls() throws {
    let cache = try cache {
      $0.sizeMax = 4 << 20
      $0.memoryFileMax = 0
    }
    for number in 1...200 as ClosedRange<UInt64> {
      try park(number, count: 256 << 10, in: cache)
      #expect(cache.usage.diskBytes <= 4 << 20 + 256 << 10)
    }
    #expect(folder.allocatedBytes == cache.usage.diskBytes)
    #expect(folder.allocatedBytes > 2 << 20)
    #expect(isCached(200, in: cache))
    #expect(!isCached(1, in: cache))
  }

  @Test("What is used again and again stays")
  func recency() throws {
    let cache = try cache {
      $0.sizeMax = 4 << 20
      $0.memoryFileMax = 0
    }
    let owner = TestOwner()
    try park(1, count: 256 << 10, in: cache)
    for number in 2...100 as ClosedRange<UInt64> {
      let (file, ownership, record) = cache.checkOut(.vnode(1), owner: owner)
      #expect(record != nil)
      _ = try file.bytes(0..<1)
      file.giveBack(record, ownership: ownership)
      try park(number, count: 256 << 10, in: cache)
    }
    #expect(isCached(1, in: cache))
  }

  @Test("An owner is asked for the excess, and nothing is taken from one who refuses")
  func refusing() throws {
    let cache = try cache {
      $0.sizeMax = 1 << 20
      $0.memoryFileMax = 0
    }
    let asked = Mutex<[UInt64]>([])
    let owner = TestOwner { bytes in asked.withLock { $0.append(bytes) } }
    let file = cache.checkOut(.vnode(1), owner: owner).file
    let data = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
    for offset in stride(from: 0, to: data.count, by: 256 << 10) {
      try file.write(Array(data[offset..<offset + 256 << 10]), at: UInt64(offset))
    }
    #expect(asked.withLock { $0.count } > 0)
    // Futile sweeps are rare: one for each sixteenth of the limit, at most.
    #expect(asked.withLock { $0.count } <= 8)
    #expect(try file.bytes(0..<UInt64(data.count)) == data)
  }

  @Test("Small files beyond the memory budget move to the disk, and keep their bytes")
  func memory() throws {
    let cache = try cache {
      $0.sizeMax = 64 << 20
      $0.memoryMax = 256 << 10
    }
    for number in 1...500 as ClosedRange<UInt64> {
      try park(number, count: 1024, in: cache)
      #expect(cache.usage.memoryBytes <= 256 << 10 + 2048)
    }
    #expect(!folder.cacheFiles.isEmpty)
    let owner = TestOwner()
    for number in 1...500 as ClosedRange<UInt64> {
      let (file, ownership, record) = cache.checkOut(.vnode(number), owner: owner)
      #expect(try file.bytes(0..<1024) == [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1024))
      file.giveBack(record, ownership: ownership)
    }
  }

  @Test("Open descriptors are bounded")
  func descriptors() throws {
    let cache = try cache {
      $0.sizeMax = 64 << 20
      $0.memoryFileMax = 0
      $0.descriptorsMax = 10
    }
    let owner = TestOwner()
    let files = (1...60).map { cache.checkOut(.vnode($0), owner: owner).file }
    for round in 0..<3 as Range<UInt8> {
      for file in files { try file.write([round, UInt8(file.key.fid.vnode)], at: 0) }
      #expect(folder.openCacheFiles <= 10)
    }
    for file in files { #expect(try file.bytes(0..<2) == [2, UInt8(file.key.fid.vnode)]) }
    #expect(folder.openCacheFiles <= 10)
    #expect(folder.cacheFiles.count == 60)
  }

  @Test("Flushing drops what nobody holds")
  func flush() throws {
    let cache = try cache { $0.memoryFileMax = 100 }
    for number in 1...20 as ClosedRange<UInt64> { try park(number, count: number % 2 == 0 ? 50 : 5000, in: cache) }
    #expect(cache.usage.files == 20)
    cache.flush()
    #expect(cache.usage.files == 0)
    #expect(cache.usage.memoryBytes == 0)
    #expect(cache.usage.diskBytes == 0)
    #expect(folder.cacheFiles.isEmpty)
  }

  @Test("A file whose folder vanished fails with the system's error, and the cache goes on")
  func vanished() throws {
    let cache = try cache { $0.memoryFileMax = 0 }
    try FileManager.default.removeItem(atPath: folder.path + "/vnodes")
    let owner = TestOwner()
    let file = cache.checkOut(.vnode(1), owner: owner).file
    #expect(throws: CacheError.self) { try file.write([1], at: 0) }
    try FileManager.default.createDirectory(atPath: folder.path + "/vnodes", withIntermediateDirectories: false)
    try file.write([1], at: 0)
    #expect(try file.bytes(0..<2) == [1, 0])
  }
}
