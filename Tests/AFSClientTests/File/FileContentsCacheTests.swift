import AFSBase
import AFSCache
import AFSTypes
import Foundation
import Synchronization
import Testing

@testable import AFSClient

/// The cache at its limits, and broken.
@Suite struct FileContentsCacheTests {
  private static func limits(sizeMax: UInt64) -> DiskCache.Limits {
    DiskCache.Limits(sizeMax: sizeMax, memoryFileMax: 0)
  }

  @Test("A file larger than the cache is read right, twice, and the cache keeps its limit")
  func larger() throws {
    let size: UInt64 = 4 << 20
    let data = pattern(0..<size)
    let bench = try FileBench(data, cache: Self.limits(sizeMax: 1 << 20), pieceSize: 256 << 10)
    try bench.run { bench async throws in
      let file = bench.open()
      for _ in 0..<2 {
        for offset in stride(from: 0, to: size, by: 128 << 10) {
          let bytes = try await file.bytes(offset..<offset + 128 << 10)
          let isEqual = bytes[...] == data[Int(offset)..<Int(offset) + 128 << 10]
          #expect(isEqual, "at \(offset)")
          #expect(bench.cache.usage.diskBytes <= 3 << 19)
        }
      }
    }
  }

  @Test("Writing more than the cache holds stores first, and culls what is stored")
  func written() throws {
    let size: UInt64 = 4 << 20
    var limits = FileContentsContext.Limits()
    limits.storeMin = 512 << 10
    let bench = try FileBench([], cache: Self.limits(sizeMax: 2 << 20), limits: limits, pieceSize: 256 << 10)
    try bench.run { bench async throws in
      let file = bench.open()
      for offset in stride(from: 0, to: size, by: 128 << 10) {
        try await file.write(pattern(offset..<offset + 128 << 10), at: offset)
        #expect(bench.cache.usage.diskBytes <= 7 << 19)
      }
      try await file.flush()
      let isEqual = bench.server.contents.bytes == pattern(0..<size)
      #expect(isEqual)
    }
  }

  @Test("Culling takes clean blocks only: changed bytes survive it")
  func dirtySurvives() throws {
    let data = pattern(0..<1 << 20)
    let bench = try FileBench(data, cache: Self.limits(sizeMax: 64 << 20))
    try bench.run { bench async throws in
      let file = bench.open()
      _ = try await file.bytes(0..<1 << 20)
      await bench.sleep(.seconds(1))
      try await file.write(pattern(100_000..<300_001, 2), at: 100_000)
      bench.contents.guarded.withLock { $0.lastRead = 1 << 20 }
      bench.cache.flush()
      #expect(bench.contents.guarded.withLock { $0.state.valid.count } < 300_000)
      #expect(try file.cachedBytes(100_000..<300_001) == pattern(100_000..<300_001, 2))
      #expect(try file.cachedBytes(0..<10) == nil)
      #expect(try await file.bytes(99_990..<100_010) == pattern(99_990..<100_000) + pattern(100_000..<100_010, 2))
      await file.flushAndClose()
      bench.cache.flush()
      #expect(bench.cache.usage.diskBytes == 0)
    }
  }

  /// Makes every new cache file fail.
  private static func breakDisk(_ bench: FileBench) throws {
    try FileManager.default.removeItem(atPath: bench.folder + "/vnodes")
    try Data().write(to: URL(filePath: bench.folder + "/vnodes"))
  }

  @Test("A broken cache disk: reads go past it, writes say so, and all is well when it is back")
  func broken() throws {
    let data = pattern(0..<500_000)
    let bench = try FileBench(data, cache: Self.limits(sizeMax: 64 << 20))
    try bench.run { bench async throws in
      try Self.breakDisk(bench)
      let file = bench.open()
      #expect(try await file.bytes(0..<100_000) == Array(data[..<100_000]))
      #expect(try await file.bytes(450_000..<600_000) == Array(data[450_000...]))
      #expect(try await file.bytes(600_000..<600_001) == [])
      await #expect(throws: AFSError.cacheFailure(ENOTDIR)) { try await file.write([1], at: 0) }
      try await file.flush()
      #expect(bench.server.contents.bytes == data)
      try FileManager.default.removeItem(atPath: bench.folder + "/vnodes")
      try FileManager.default.createDirectory(atPath: bench.folder + "/vnodes", withIntermediateDirectories: false)
      await file.close()
      let again = bench.open()
      try await again.write([1], at: 0)
      #expect(try await again.bytes(0..<10) == [1] + data[1..<10])
      try await again.flush()
      #expect(bench.server.contents.bytes == [1] + data[1...])
    }
  }

  @Test("Reading past a broken cache sees a change of the file")
  func brokenAndChanged() throws {
    let bench = try FileBench(pattern(0..<500), cache: Self.limits(sizeMax: 64 << 20))
    try bench.run { bench async throws in
      try Self.breakDisk(bench)
      let file = bench.open()
      _ = try await file.bytes(0..<10)
      bench.server.change { $0 = SparseBytes(pattern(0..<700, 5)) }
      #expect(try await file.bytes(0..<500) == pattern(0..<500, 5))
      #expect(file.size == 700)
    }
  }
}

extension OpenFile {
  func flushAndClose() async {
    do { try await flush() } catch { Issue.record("flush failed: \(error)") }
    await close()
  }
}
