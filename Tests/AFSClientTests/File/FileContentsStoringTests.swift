import AFSBase
import AFSCache
import AFSTypes
import Synchronization
import Testing

@testable import AFSClient

@Suite struct FileContentsStoringTests {
  @Test("Writing needs no read, whatever the alignment")
  func noReads() throws {
    let data = pattern(0..<300_000)
    let bench = try FileBench(data)
    try bench.run { bench async throws in
      let file = bench.open()
      try await file.write([1, 2, 3], at: 1001)
      try await file.write([4], at: 299_999)
      #expect(try file.cachedBytes(1001..<1004) == [1, 2, 3])
      try await file.flush()
      #expect(bench.server.fetches.isEmpty)
      #expect(
        bench.server.stores.map { [$0.offset, $0.count, $0.length] } == [[1001, 3, 300_000], [299_999, 1, 300_000]])
      var expected = data
      expected.replaceSubrange(1001..<1004, with: [1, 2, 3])
      expected[299_999] = 4
      #expect(bench.server.contents.bytes == expected)
    }
  }

  @Test("Many small writes in a row are one store, with length and time")
  func merged() throws {
    let bench = try FileBench([])
    try bench.run { bench async throws in
      let file = bench.open()
      for offset in stride(from: 0, to: 100_000, by: 1000) {
        try await file.write(pattern(UInt64(offset)..<UInt64(offset + 1000)), at: UInt64(offset))
      }
      await bench.sleep(.seconds(7))
      #expect(file.cachedFlush() == nil)
      #expect(bench.contents.localChange?.size == 100_000)
      let time = try #require(bench.contents.localChange?.modified)
      try await file.flush()
      #expect(bench.server.stores.map { [$0.offset, $0.count, $0.length] } == [[0, 100_000, 100_000]])
      #expect(bench.server.stores[0].modified == time)
      #expect(bench.server.stores[0].identity == bench.me)
      #expect(bench.contents.localChange == nil)
      #expect(throws: Never.self) { try file.cachedFlush()?.get() }
      #expect(bench.server.contents.bytes == pattern(0..<100_000))
      // What was stored is cached as well.
      #expect(try file.cachedBytes(0..<100_000) == pattern(0..<100_000))
    }
  }

  @Test("Only fsync asks the server for durability")
  func durable() throws {
    let bench = try FileBench([])
    try bench.run { bench async throws in
      let file = bench.open()
      try await file.write([1], at: 0)
      try await file.flush()
      try await file.write([2], at: 0)
      try await file.synchronize()
      #expect(bench.server.stores.map(\.durable) == [false, true])
    }
  }

  @Test("Truncating at open and writing anew is one call")
  func rewritten() throws {
    let bench = try FileBench(pattern(0..<10_000))
    try bench.run { bench async throws in
      let file = bench.open(OpenAccess(reads: false, writes: true, truncates: true))
      #expect(file.size == 0)
      try await file.write([7, 8], at: 0)
      #expect(try file.cachedBytes(0..<100) == [7, 8])
      try await file.flush()
      #expect(bench.server.stores.map { [$0.offset, $0.count, $0.length] } == [[0, 2, 0]])
      #expect(bench.server.contents.bytes == [7, 8])
    }
  }

  @Test("Truncating without writing is stored too")
  func emptied() throws {
    let bench = try FileBench(pattern(0..<10_000))
    try bench.run { bench async throws in
      let file = bench.open(OpenAccess(reads: false, writes: true, truncates: true))
      #expect(file.cachedFlush() == nil)
      try await file.flush()
      #expect(bench.server.contents.count == 0)
    }
  }

  @Test("A sparse file of 5 GiB costs its written bytes, both ways")
  func sparse() throws {
    let bench = try FileBench([1, 2, 3])
    try bench.run { bench async throws in
      let file = bench.open()
      let end: UInt64 = 5 << 30
      try await file.write([9], at: end - 1)
      try await file.write([8], at: 3 << 30)
      #expect(file.size == end)
      try await file.flush()
      #expect(bench.server.stores.map { [$0.offset, $0.count] } == [[3 << 30, 1], [end - 1, 1]])
      #expect(bench.server.contents.count == end)
      #expect(try file.cachedBytes((3 << 30) - 2..<(3 << 30) + 2) == [0, 0, 8, 0])
      #expect(try file.cachedBytes(end - 1 << 20..<end) == [UInt8](repeating: 0, count: 1 << 20 - 1) + [9])
      #expect(bench.server.fetches.isEmpty)
      #expect(bench.cache.usage.diskBytes < 1 << 20)
    }
  }

  @Test("Extending sends a length and no bytes; cutting and extending leaves zeros")
  func extended() throws {
    let bench = try FileBench(pattern(0..<10_000))
    try bench.run { bench async throws in
      try await bench.contents.truncate(to: 6 << 30, as: bench.me)
      #expect(bench.server.stores.map { [$0.offset, $0.count, $0.length] } == [[6 << 30, 0, 6 << 30]])
      let file = bench.open()
      try await bench.contents.truncate(to: 10, as: bench.me)
      try await bench.contents.truncate(to: 20, as: bench.me)
      #expect(bench.server.stores.count == 1)
      #expect(try await file.bytes(0..<100) == pattern(0..<10) + [UInt8](repeating: 0, count: 10))
      try await file.flush()
      #expect(bench.server.contents.bytes == pattern(0..<10) + [UInt8](repeating: 0, count: 10))
    }
  }

  @Test("A file that nobody has open for writing is cut on the server at once, or not at all")
  func cutByName() throws {
    let bench = try FileBench(pattern(0..<1000))
    try bench.run { bench async throws in
      bench.server.fail(.init(kind: .store, error: .accessDenied))
      await #expect(throws: AFSError.accessDenied) { try await bench.contents.truncate(to: 5, as: bench.me) }
      #expect(bench.contents.size == 1000)
      #expect(bench.contents.localChange == nil)
      let file = bench.open(OpenAccess(reads: true, writes: false))
      #expect(try await file.bytes(0..<1000) == pattern(0..<1000))
      try await bench.contents.truncate(to: 5, as: bench.me)
      #expect(bench.server.contents.count == 5)
      await #expect(throws: AFSError.fileTooLarge) { try await bench.contents.truncate(to: .max, as: bench.me) }
    }
  }

  @Test("A long write streams to the server while it goes on, and never has more unstored than the limit")
  func background() throws {
    var limits = FileContentsContext.Limits()
    limits.storeMin = 256 << 10
    limits.storeCallMax = 512 << 10
    limits.dirtyMax = 1 << 20
    let bench = try FileBench([], limits: limits, pieceSize: 65536)
    try bench.run { bench async throws in
      let file = bench.open()
      let step: UInt64 = 64 << 10
      var most: UInt64 = 0
      for offset in stride(from: UInt64(0), to: 8 << 20, by: Int(step)) {
        try await file.write(pattern(offset..<offset + step), at: offset)
        most = max(most, bench.contents.guarded.withLock { $0.state.unstoredBytes })
      }
      #expect(most <= bench.context.limits.dirtyMax + step)
      #expect(bench.server.contents.count > 6 << 20)
      try await file.flush()
      let isEqual = bench.server.contents.bytes == pattern(0..<8 << 20)
      #expect(isEqual)
      #expect(bench.server.inFlightMax == 1)
      #expect(bench.server.stores.count <= 40)
    }
  }

  @Test("A store that fails makes a writer who waits for room fail, and not wait")
  func writerFails() throws {
    var limits = FileContentsContext.Limits()
    limits.storeMin = 256 << 10
    limits.dirtyMax = 1 << 20
    let bench = try FileBench([], limits: limits)
    try bench.run { bench async throws in
      bench.server.setQuota(100_000)
      let file = bench.open()
      await #expect(throws: AFSError.quotaExceeded) {
        for offset in (0..<128 as Range<UInt64>).map({ $0 << 16 }) {
          try await file.write(pattern(offset..<offset + 65536), at: offset)
        }
      }
      await #expect(throws: AFSError.quotaExceeded) { try await file.flush() }
    }
  }

  @Test("Over quota: flush and fsync say so, what was stored before is intact, the rest is kept until it fits")
  func quota() throws {
    let bench = try FileBench(pattern(0..<1000))
    try bench.run { bench async throws in
      bench.server.setQuota(2000)
      let file = bench.open()
      try await file.write(pattern(1000..<5000), at: 1000)
      await #expect(throws: AFSError.quotaExceeded) { try await file.flush() }
      await #expect(throws: AFSError.quotaExceeded) { try await file.synchronize() }
      #expect(bench.server.contents.bytes == pattern(0..<1000))
      #expect(try await file.bytes(0..<5000) == pattern(0..<5000))
      bench.server.setQuota(10_000)
      try await file.flush()
      #expect(bench.server.contents.bytes == pattern(0..<5000))
    }
  }

  @Test("Over quota at the last close: what was reported as not stored is dropped")
  func dropped() throws {
    let bench = try FileBench(pattern(0..<1000))
    try bench.run { bench async throws in
      bench.server.setQuota(2000)
      let (file, other) = (bench.open(), bench.open())
      try await file.write(pattern(1000..<5000), at: 1000)
      await #expect(throws: AFSError.quotaExceeded) { try await file.flush() }
      await file.close()
      #expect(bench.contents.localChange?.size == 5000)
      await other.close()
      #expect(bench.contents.localChange == nil)
      #expect(bench.contents.size == 1000)
      #expect(bench.events.counts == .init(replaced: 1, conflicts: 0, dropped: [.quotaExceeded]))
      #expect(try await bench.open().bytes(0..<5000) == pattern(0..<1000))
    }
  }

  @Test("The last close during a store: what that one leaves is stored or dropped, not forgotten", arguments: [1, 2])
  func closedDuringStore(failures: Int) throws {
    let bench = try FileBench([], latency: .seconds(1))
    try bench.run { bench async throws in
      let file = bench.open()
      try await file.write([1], at: 0)
      bench.server.fail(.init(kind: .store, error: .quotaExceeded, repetitions: failures))
      await #expect(throws: AFSError.quotaExceeded) { try await file.flush() }
      let flush = bench.inBackground { try? await file.flush() }
      await bench.sleep(.milliseconds(500))
      await file.close()
      await flush.value
      await bench.sleep(.seconds(60))
      #expect(bench.contents.localChange == nil)
      #expect(bench.server.contents.bytes == (failures == 1 ? [1] : []))
      #expect(bench.events.counts.dropped == (failures == 1 ? [] : [.quotaExceeded]))
    }
  }

  @Test("What a mapping wrote after the flush is stored at the close")
  func late() throws {
    let bench = try FileBench([])
    try bench.run { bench async throws in
      let file = bench.open()
      try await file.flush()
      try await file.write([1, 2], at: 0)
      await file.close()
      #expect(bench.server.contents.bytes == [1, 2])
    }
  }

  @Test("A server out of reach: the changes are kept after the close, and stored when it is back")
  func retried() throws {
    let bench = try FileBench([])
    try bench.run { bench async throws in
      let file = bench.open()
      try await file.write([1, 2], at: 0)
      bench.server.fail(.init(kind: .store, error: .timedOut, repetitions: 4))
      await #expect(throws: AFSError.timedOut) { try await file.flush() }
      await file.close()
      #expect(bench.contents.localChange != nil)
      #expect(bench.server.contents.count == 0)
      await bench.sleep(.seconds(100))
      #expect(bench.server.contents.bytes == [1, 2])
      #expect(bench.contents.localChange == nil)
      #expect(bench.events.counts == .init())
    }
  }

  @Test("What is written during a store is stored after it; a waiter waits for his own data only")
  func overtaken() throws {
    let bench = try FileBench(pattern(0..<100_000), pieceSize: 10_000)
    try bench.run { bench async throws in
      let (file, busy) = (bench.open(), bench.open())
      try await file.write(pattern(0..<100_000, 1), at: 0)
      let isDone = Shared(false)
      let writer = bench.inBackground {
        var salt: UInt64 = 2
        while !isDone.value {
          try? await busy.write(pattern(30_000..<40_000, salt), at: 30_000)
          salt += 1
          await bench.sleep(.milliseconds(1))
        }
      }
      try await file.flush()
      isDone.set(true)
      await writer.value
      try await busy.flush()
      let expected = try await file.bytes(0..<100_000)
      #expect(bench.server.contents.bytes == expected)
      #expect(Array(expected[..<30_000]) == pattern(0..<30_000, 1))
    }
  }

  @Test("An interrupted flush ends, its store goes on")
  func interrupted() throws {
    let bench = try FileBench([], latency: .seconds(3))
    try bench.run { bench async throws in
      let file = bench.open()
      try await file.write([1], at: 0)
      let outcome = Shared<AFSError?>(nil)
      let flush = bench.inBackground {
        do throws(AFSError) { try await file.flush() } catch { outcome.set(error) }
      }
      await bench.sleep(.seconds(1))
      flush.cancel()
      await flush.value
      #expect(outcome.value == .interrupted)
      await bench.sleep(.seconds(20))
      #expect(bench.server.contents.bytes == [1])
      #expect(bench.contents.localChange == nil)
    }
  }

  @Test("chmod before the store goes along with its last call, also when a store is under way")
  func permissions() throws {
    let bench = try FileBench([], latency: .seconds(1))
    try bench.run { bench async throws in
      let file = bench.open()
      #expect(!bench.contents.setPermissions(0o444))
      try await file.write([1], at: 0)
      try await file.write([2], at: 100)
      #expect(bench.contents.setPermissions(0o444))
      #expect(bench.contents.localChange?.permissions == 0o444)
      let flush = bench.inBackground { try? await file.flush() }
      await bench.sleep(.milliseconds(2500))
      #expect(bench.contents.setPermissions(0o600))
      await flush.value
      #expect(bench.server.stores.map(\.permissions) == [nil, 0o444, 0o600])
      #expect(bench.contents.localChange == nil)
    }
  }

  @Test("utimens before the store goes along with it, also when a store is under way")
  func times() throws {
    let bench = try FileBench([], latency: .seconds(1))
    try bench.run { bench async throws in
      let file = bench.open()
      #expect(!bench.contents.setModified(WallTime(seconds: 5)))
      try await file.write([1], at: 0)
      #expect(bench.contents.setModified(WallTime(seconds: 5)))
      #expect(bench.contents.localChange?.modified == WallTime(seconds: 5))
      let flush = bench.inBackground { try? await file.flush() }
      await bench.sleep(.milliseconds(500))
      #expect(bench.contents.setModified(WallTime(seconds: 6)))
      await flush.value
      try await file.flush()
      #expect(bench.server.modified == WallTime(seconds: 6))
      #expect(bench.contents.localChange == nil)
    }
  }

  @Test("Our own store is recognised: what is cached stays, even when its status is seen first elsewhere")
  func own() throws {
    let data = pattern(0..<100_000)
    let bench = try FileBench(data)
    try bench.run { bench async throws in
      let file = bench.open()
      _ = try await file.bytes(0..<100_000)
      await bench.sleep(.seconds(1))
      try await file.write([1], at: 0)
      let flush = bench.inBackground { try? await file.flush() }
      await bench.sleep(.microseconds(900))
      #expect(bench.server.contents.bytes[0] == 1)
      bench.contents.learned(bench.server.status)
      await flush.value
      #expect(try file.cachedBytes(0..<100_000) == [1] + data[1...])
      #expect(bench.events.counts == .init())
    }
  }

  @Test("Somebody else's store between ours shows in the version: what is clean is fetched again")
  func foreign() throws {
    let bench = try FileBench(pattern(0..<1000))
    try bench.run { bench async throws in
      let file = bench.open()
      _ = try await file.bytes(0..<1000)
      await bench.sleep(.seconds(1))
      try await file.write([1], at: 0)
      bench.server.change { contents in [UInt8]([5, 6]).withUnsafeBytes { contents.write($0, at: 998) } }
      try await file.flush()
      #expect(bench.events.counts == .init(replaced: 1, conflicts: 1))
      #expect(try await file.bytes(0..<1000) == [1] + pattern(1..<998) + [5, 6])
      #expect(bench.server.contents.bytes == [1] + pattern(1..<998) + [5, 6])
    }
  }

  @Test("A change of both sides: our bytes and our length win at the store, other bytes are theirs")
  func bothSides() throws {
    let bench = try FileBench(pattern(0..<1000))
    try bench.run { bench async throws in
      let file = bench.open()
      try await file.write(pattern(1000..<1100, 3), at: 1000)
      bench.server.change { $0 = SparseBytes(pattern(0..<2000, 4)) }
      bench.contents.learned(bench.server.status)
      #expect(bench.events.counts == .init(replaced: 1, conflicts: 1))
      let expected = pattern(0..<1000, 4) + pattern(1000..<1100, 3)
      #expect(try await file.bytes(0..<3000) == expected)
      try await file.flush()
      #expect(bench.server.contents.bytes == expected)
    }
  }

  @Test("Two appending handles make one file")
  func appends() throws {
    let bench = try FileBench([])
    try bench.run { bench async throws in
      let files = [bench.open(), bench.open()]
      for round in 0..<50 {
        let file = files[round % 2]
        try await file.write([UInt8(round)], at: file.size)
        if round % 7 == 0 { try await file.flush() }
      }
      for file in files { try await file.flush() }
      #expect(bench.server.contents.bytes == (0..<50).map { UInt8($0) })
    }
  }

  @Test("A removed file's changes are forgotten")
  func discarded() throws {
    let bench = try FileBench([])
    try bench.run { bench async throws in
      let file = bench.open()
      try await file.write(pattern(0..<200_000), at: 0)
      bench.contents.discard()
      #expect(bench.contents.localChange == nil)
      try await file.flush()
      await file.close()
      #expect(bench.server.stores.isEmpty)
    }
  }
}
