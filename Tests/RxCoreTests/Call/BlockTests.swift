import AFSBase
import AFSTypes
import Testing

@testable import RxCore

/// Streams that go through packet blocks in place of memory of the driver's.
@Suite struct BlockTests {
  private static var seal: PacketSeal {
    PacketSeal(protection: nil, callNumber: CallNumber(1), channel: 0, isFromClient: true)
  }

  private func bodies(_ window: borrowing TransmitWindow) -> [[UInt8]] {
    var bodies: [[UInt8]] = []
    var seq = window.base
    while seq < window.end {
      let slot = window.slots[seq]
      bodies.append([UInt8](UnsafeRawBufferPointer(start: slot.block, count: Int(slot.count))))
      seq += 1
    }
    return bodies
  }

  /// Writes `bytes` by blocks, at most `portion` at a time in each batch.
  private func write(
    _ bytes: ArraySlice<UInt8>, isLast: Bool, to window: inout TransmitWindow, _ pool: inout PacketPool,
    portion: () -> Int
  ) -> Int {
    var done = 0
    repeat {
      let (written, offered) = window.write(
        byteCountMax: max(bytes.count - done, 1), isLast: isLast, bodyByteCountMax: 100, seal: Self.seal, pool: &pool
      ) { places in
        var rest = min(portion(), bytes.count - done)
        var count = 0
        for place in places {
          let part = min(rest, place.count)
          place.copyBytes(from: bytes.dropFirst(done + count).prefix(part))
          (count, rest) = (count + part, rest - part)
        }
        return count
      }
      done += written
      if offered == 0 { return done }
    } while done < bytes.count
    return done
  }

  @Test("Bytes written into blocks make the same packets as bytes copied", arguments: UInt64(0)..<50)
  func sameDatagrams(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var pool = PacketPool()
    var copied = TransmitWindow(window: 20)
    var filled = TransmitWindow(window: 20)
    let bytes = (0..<Int.random(in: 1...2500, using: &generator)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var offset = 0
    while offset < bytes.count {
      let end = min(bytes.count, offset + Int.random(in: 1...900, using: &generator))
      let (slice, isLast) = (bytes[offset..<end], end == bytes.count)
      let first = slice.withUnsafeBytes {
        copied.write($0, isLast: isLast, bodyByteCountMax: 100, seal: Self.seal, pool: &pool)
      }
      let second = write(slice, isLast: isLast, to: &filled, &pool) { Int.random(in: 1...500, using: &generator) }
      #expect(first == second)
      let space = copied.queueSpace
      #expect(first == slice.count || space == 0)
      guard first == slice.count else { break }
      offset = end
    }
    #expect(bodies(copied) == bodies(filled))
    let (copiedEnd, filledEnd) = (copied.tailCount, filled.tailCount)
    #expect(copiedEnd == filledEnd)
    let (isCopiedClosed, isFilledClosed) = (copied.isClosed, filled.isClosed)
    #expect(isCopiedClosed == isFilledClosed)
    copied.drain(pool: &pool)
    filled.drain(pool: &pool)
  }

  @Test("A batch that could not be filled leaves the stream as it was")
  func nothingWritten() {
    var pool = PacketPool()
    var window = TransmitWindow(window: 20)
    let (written, offered) = window.write(
      byteCountMax: 1000, isLast: true, bodyByteCountMax: 100, seal: Self.seal, pool: &pool
    ) { _ in 0 }
    #expect(written == 0)
    #expect(offered == 1000)
    let (isEmpty, isClosed) = (window.isEmpty, window.isClosed)
    #expect(isEmpty)
    #expect(!isClosed)
    window.drain(pool: &pool)
  }

  @Test("Blocks handed to the reader hold the stream's bytes, whatever it takes at a time", arguments: UInt64(0)..<50)
  func drained(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var pool = PacketPool()
    var window = ReceiveWindow(window: 200)
    var (sent, received): ([UInt8], [UInt8]) = ([], [])
    for number in UInt32(1)...150 {
      let body = (0..<Int.random(in: 0...60, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
      }
      sent += body
      let header = RxHeader(
        epoch: 1, cid: 4, callNumber: CallNumber(1), seq: Seq(number), type: .data,
        flags: number == 150 ? [.lastPacket] : [], securityIndex: 0, serviceID: 1)
      #expect(body.withUnsafeBytes { window.insert(header, $0, pool: &pool) } == .inOrder)
    }
    window.openAll()
    while !window.isAtEnd {
      let wanted = Int.random(in: 1...500, using: &generator)
      let (taken, offered) = window.read(byteCountMax: wanted, pool: &pool) { pieces in
        let all = pieces.flatMap { [UInt8]($0) }
        #expect(all.count <= wanted)
        let count = Int.random(in: 1...all.count, using: &generator)
        received += all.prefix(count)
        return count
      }
      #expect(taken <= offered)
    }
    #expect(received == sent)
  }
}
