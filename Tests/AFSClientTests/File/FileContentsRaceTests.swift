import AFSBase
import AFSCache
import AFSTypes
import Synchronization
import Testing

@testable import AFSClient

/// Many tasks on one file at once, in an order that the seed decides.
@Suite struct FileContentsRaceTests {
  /// Each version's bytes tell the version: every other byte, the position in between.
  private static func version(_ number: UInt64, size: Int) -> [UInt8] {
    (0..<size).map { $0 % 2 == 0 ? UInt8(truncatingIfNeeded: number) : UInt8($0 / 2 % 251) }
  }

  @Test(
    "While somebody else rewrites the file, each read is of one version, and versions never go back",
    arguments: 1...12 as ClosedRange<UInt64>)
  func versions(seed: UInt64) throws {
    let size = 100_000
    var limits = FileContentsContext.Limits()
    limits.readAhead.windowMin = 16 << 10
    limits.readAhead.windowMax = 64 << 10
    limits.readAhead.randomUnit = 4 << 10
    limits.readAhead.wholeFileMax = 8 << 10
    let bench = try FileBench(seed: seed, Self.version(1, size: size), limits: limits, pieceSize: 1700)
    try bench.run { bench async throws in
      let isDone = Shared(false)
      let writer = bench.inBackground {
        var generator = SeededGenerator(seed: seed)
        for number in 2...30 as ClosedRange<UInt64> {
          await bench.sleep(.microseconds(Int64.random(in: 100...6000, using: &generator)))
          let bytes = Self.version(number, size: size)
          bench.server.change { $0 = SparseBytes(bytes) }
          if Bool.random(using: &generator) {
            await bench.sleep(.microseconds(300))
            bench.contents.learned(bench.server.status)
          }
        }
        isDone.set(true)
      }
      await withTaskGroup { group in
        for reader in 0..<4 as Range<UInt64> {
          group.addTask {
            var generator = SeededGenerator(seed: seed &* 31 &+ reader)
            let file = bench.open()
            var newest = 0
            var next = 0
            while !isDone.value {
              // Two read sequentially, two jump.
              let offset = reader < 2 ? next : Int.random(in: 0..<size / 2, using: &generator) * 2
              let count = Int.random(in: 1...6000, using: &generator) * 2
              next = (offset + count) % size / 2 * 2
              guard let bytes = try? await file.bytes(UInt64(offset)..<UInt64(offset + count)) else {
                Issue.record("a read failed")
                return
              }
              let numbers = Set(stride(from: 0, to: bytes.count, by: 2).map { bytes[$0] })
              #expect(numbers.count == 1, "versions \(numbers) in one read at \(offset)")
              let positions = stride(from: 1, to: bytes.count, by: 2)
              #expect(positions.allSatisfy { bytes[$0] == UInt8((offset + $0) / 2 % 251) })
              let number = Int(numbers.max() ?? 0)
              newest = max(newest, number)
              await bench.sleep(.microseconds(Int64.random(in: 0...500, using: &generator)))
            }
          }
        }
      }
      await writer.value
      bench.contents.learned(bench.server.status)
      let last = try await bench.open().bytes(0..<UInt64(size))
      let isLast = last == Self.version(30, size: size)
      #expect(isLast)
    }
  }

  @Test(
    "Writers of ranges of their own, readers, flushes, cuts of the cache and failing stores: nothing is lost",
    arguments: 1...12 as ClosedRange<UInt64>)
  func writers(seed: UInt64) throws {
    let part = 100_000
    let count = 4
    var limits = FileContentsContext.Limits()
    limits.storeMin = 50_000
    limits.storeCallMax = 30_000
    limits.dirtyMax = 150_000
    limits.readAhead.windowMin = 32 << 10
    limits.readAhead.windowMax = 128 << 10
    limits.readAhead.randomUnit = 8 << 10
    let start = pattern(0..<UInt64(part * count))
    let bench = try FileBench(
      seed: seed, start, cache: DiskCache.Limits(sizeMax: 600_000, memoryFileMax: 0), limits: limits, pieceSize: 3000)
    let models = Shared((0..<count).map { Array(start[$0 * part..<($0 + 1) * part]) })
    try bench.run { bench async throws in
      await withTaskGroup { group in
        for index in 0..<count {
          group.addTask {
            var generator = SeededGenerator(seed: seed &* 101 &+ UInt64(index))
            let file = bench.open()
            for _ in 0..<60 {
              let offset = Int.random(in: 0..<part, using: &generator)
              let length = Int.random(in: 1...min(20_000, part - offset), using: &generator)
              let position = UInt64(index * part + offset)
              switch Int.random(in: 0..<9, using: &generator) {
              case 0...3:
                let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
                do throws(AFSError) {
                  try await file.write(bytes, at: position)
                  models.change { $0[index].replaceSubrange(offset..<offset + length, with: bytes) }
                } catch {
                  #expect(error == .timedOut)
                }
              case 4...6:
                let bytes = try? await file.bytes(position..<position + UInt64(length))
                let isEqual = bytes.map { $0[...] } == models.value[index][offset..<offset + length]
                #expect(isEqual, "at \(position), \(length) bytes")
              case 7:
                try? await file.flush()
              default:
                if index == 0 {
                  bench.server.fail(.init(kind: .store, error: .timedOut, afterBytes: UInt64(length)))
                } else {
                  bench.contents.cull(UInt64(length))
                }
              }
              await bench.sleep(.microseconds(Int64.random(in: 0...2000, using: &generator)))
            }
          }
        }
      }
      bench.server.succeed()
      try await bench.contents.storeAll(as: bench.me)
      let isStored = bench.server.contents.bytes == models.value.flatMap { $0 }
      #expect(isStored)
      let seen = try await bench.open().bytes(0..<UInt64(part * count))
      let isSeen = seen == models.value.flatMap { $0 }
      #expect(isSeen)
    }
  }
}
