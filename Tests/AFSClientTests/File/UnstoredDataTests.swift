import AFSCache
import AFSTypes
import RxTesting
import Testing

@testable import AFSClient

/// Many files with changed data at a time: the bound over all of them.
@Suite struct UnstoredDataTests {
  private static func limits(storable: UInt64, refused: UInt64 = .max) -> FileContentsContext.Limits {
    var limits = FileContentsContext.Limits()
    var all = UnstoredData.Limits(cacheSize: 64 << 20)
    all.storableMax = storable
    all.refusedMax = refused
    limits.unstored = all
    return limits
  }

  /// A further file of the bench; the server keeps one file for all, which does where only amounts matter.
  private func file(_ number: UInt64, _ bench: FileBench) -> FileContents {
    let key = FileKey(cell: 1, fid: FID(volume: VolumeID(7), vnode: 2 * number, unique: 1))
    let contents = FileContents(file: key, context: bench.context)
    contents.learned(bench.server.status)
    return contents
  }

  private func opened(_ contents: FileContents, _ bench: FileBench) -> any OpenFile {
    contents.open(node: FileBench.PlainNode(), access: OpenAccess(reads: true, writes: true), identity: bench.me)
  }

  @Test("Writers of many files are held back while the oldest are stored, without anybody closing or flushing")
  func bounded() throws {
    let limit: UInt64 = 1 << 20
    let bench = try FileBench([], limits: Self.limits(storable: limit))
    try bench.run { bench async throws in
      let files = (1...40).map { file(UInt64($0), bench) }
      let open = files.map { opened($0, bench) }
      var most: UInt64 = 0
      for (number, one) in open.enumerated() {
        try await one.write(pattern(0..<100_000, UInt64(number)), at: 0)
        most = max(most, bench.context.unstored.bytes)
      }
      #expect(most <= limit + 100_000)
      #expect(bench.server.stores.count >= 29)
      #expect(bench.server.inFlightMax <= 4)
      for one in open { try await one.flush() }
      #expect(bench.context.unstored.bytes == 0)
      for one in open { await one.close() }
    }
  }

  @Test("Data that a server refuses does not hold up the writer of another file, up to a bound of its own")
  func refusedData() throws {
    let bench = try FileBench([], limits: Self.limits(storable: 1 << 20, refused: 2 << 20))
    try bench.run { bench async throws in
      bench.server.fail(.init(kind: .store, error: .timedOut, repetitions: .max))
      var stuck: [any OpenFile] = []
      for number in 1...2 {
        let one = opened(file(UInt64(number), bench), bench)
        try await one.write(pattern(0..<900_000), at: 0)
        await #expect(throws: AFSError.timedOut) { try await one.flush() }
        stuck.append(one)
      }
      #expect(bench.context.unstored.refusedBytes == 1_800_000)
      let other = opened(file(9, bench), bench)
      try await other.write(pattern(0..<400_000), at: 0)
      await #expect(throws: AFSError.timedOut) { try await other.flush() }
      #expect(bench.events.counts.refused == 0)
      await #expect(throws: AFSError.noSpace) { try await other.write([1], at: 400_000) }
      #expect(bench.events.counts.refused > 0)
      // Nothing is lost: when the server is back all of it is stored, and writes go on.
      bench.server.succeed()
      for one in stuck { try await one.flush() }
      try await other.write([1], at: 400_000)
      try await other.flush()
      #expect(bench.context.unstored.bytes == 0)
      for one in stuck + [other] { await one.close() }
    }
  }

  @Test("A writer that waits for room goes on when the other files' stores fail, and can be interrupted")
  func waiting() throws {
    let bench = try FileBench([], limits: Self.limits(storable: 1 << 20))
    try bench.run { bench async throws in
      bench.server.fail(.init(kind: .store, error: .timedOut, repetitions: 1))
      let one = opened(file(1, bench), bench)
      // Above half of the limit: the store which fails is begun.
      try await one.write(pattern(0..<1_100_000), at: 0)
      let other = opened(file(2, bench), bench)
      try await other.write(pattern(0..<100_000), at: 0)
      #expect(bench.context.unstored.refusedBytes == 1_100_000)
      try await one.flush()
      // Full again, and nobody answers for a while.
      let third = opened(file(3, bench), bench)
      try await third.write(pattern(0..<1_100_000), at: 0)
      let writer = bench.inBackground {
        await #expect(throws: AFSError.interrupted) { try await other.write([1], at: 0) }
      }
      writer.cancel()
      await writer.value
      for open in [one, other, third] {
        try await open.flush()
        await open.close()
      }
      #expect(bench.context.unstored.bytes == 0)
    }
  }

  @Test("What is discarded, cut away or dropped counts no more")
  func sums() throws {
    let bench = try FileBench([])
    try bench.run { bench async throws in
      let contents = file(1, bench)
      let one = opened(contents, bench)
      try await one.write(pattern(0..<10_000), at: 0)
      #expect(bench.context.unstored.bytes == 10_000)
      try await one.write(pattern(0..<10_000), at: 5000)
      #expect(bench.context.unstored.bytes == 15_000)
      try await contents.truncate(to: 4000, as: bench.me)
      #expect(bench.context.unstored.bytes == 4000)
      contents.discard()
      #expect(bench.context.unstored.bytes == 0)
      bench.server.setQuota(100)
      let two = opened(file(2, bench), bench)
      try await two.write(pattern(0..<500), at: 0)
      await #expect(throws: AFSError.quotaExceeded) { try await two.flush() }
      #expect(bench.context.unstored.refusedBytes == 500)
      await two.close()
      #expect(bench.context.unstored.bytes == 0)
      await one.close()
    }
  }
}
