import AFSBase
import Glibc
import Testing

@testable import AFSControl

@Suite struct ServedConnectionTests {
  private func pair() throws -> (near: ControlConnection, far: ControlConnection) {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    return (ControlConnection(descriptor: ends[0]), ControlConnection(descriptor: ends[1]))
  }

  private static func put(_ bytes: some Collection<UInt8>, into line: RequestLine) -> RequestLine.Step {
    line.space.copyBytes(from: bytes)
    return line.took(bytes.count)
  }

  private static func line(_ text: String) -> RequestLine {
    let line = RequestLine()
    _ = put((text + "\n").utf8, into: line)
    return line
  }

  private static func bytes(_ line: RequestLine) -> [UInt8] { line.withBytes { Array($0) } }

  private func second(_ seconds: Int) -> MonotonicTime { .zero + .seconds(seconds) }

  @Test("Bytes that come one at a time do not move the deadline of the request")
  func oneByteAtATime() throws {
    let (near, far) = try pair()
    var connection = ServedConnection(near, user: 7, now: .zero)
    for _ in 0..<10 {
      #expect(write(far.descriptor, "{", 1) == 1)
      #expect(connection.ready() == .waiting)
      #expect(connection.deadline == second(5))
    }
    #expect(connection.isReading)
    #expect(connection.expired() == .refused("the request was not complete within 5 s"))
  }

  @Test("A request ends with its line, in however many pieces it comes")
  func pieces() throws {
    let (near, far) = try pair()
    var connection = ServedConnection(near, user: 7, now: .zero)
    #expect(write(far.descriptor, "ab", 2) == 2)
    #expect(connection.ready() == .waiting)
    #expect(write(far.descriptor, "c\nd", 3) == 3)
    #expect(connection.ready() == .request(Self.line("abc")))
    #expect(connection.wanted == nil)
    #expect(connection.deadline == .distantFuture)
  }

  @Test("A peer that hangs up before its request is whole is forgotten")
  func hangUp() throws {
    let (near, far) = try pair()
    var connection = ServedConnection(near, user: 7, now: .zero)
    #expect(write(far.descriptor, "ab", 2) == 2)
    shutdown(far.descriptor, Int32(SHUT_WR))
    #expect(connection.ready() == .over)
  }

  @Test("A reply has one deadline, however slowly it is read")
  func slowReader() throws {
    let (near, far) = try pair()
    var connection = ServedConnection(near, user: 7, now: .zero)
    #expect(write(far.descriptor, "x\n", 2) == 2)
    #expect(connection.ready() == .request(Self.line("x")))
    let reply = ControlReply.failed(String(repeating: "y", count: 4 << 20))
    #expect(connection.reply(reply, now: second(100)) == .waiting)
    var buffer = [UInt8](repeating: 0, count: 100_000)
    for _ in 0..<5 {
      #expect(read(far.descriptor, &buffer, buffer.count) > 0)
      #expect(connection.ready() == .waiting)
      #expect(connection.deadline == second(110))
    }
    #expect(connection.expired() == .over)
  }

  @Test("A request's line is the same however it is cut", arguments: UInt64(1)...20)
  func cuts(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let line = (0..<Int.random(in: 0...2000, using: &generator)).map { _ in
      UInt8.random(in: 32...126, using: &generator)
    }
    let all = line + [UInt8(ascii: "\n")] + Array("rest".utf8)
    let request = RequestLine()
    var offset = 0
    while offset < all.count {
      let end = min(all.count, offset + Int.random(in: 1...300, using: &generator))
      let step = Self.put(all[offset..<end], into: request)
      if end > line.count {
        #expect(step == .complete && Self.bytes(request) == line)
        return
      }
      #expect(step == .incomplete)
      offset = end
    }
  }

  @Test("A request of the longest length is taken, a longer one is not", arguments: [true, false])
  func longest(endsInSameChunk: Bool) {
    let longest = [UInt8](repeating: 32, count: RequestLine.byteCountMax)
    let end: [UInt8] = [UInt8(ascii: "\n")]
    let (request, longer) = (RequestLine(), RequestLine())
    if endsInSameChunk {
      #expect(Self.put(longest + end, into: request) == .complete)
      // Of a longer one no more than this fits.
      #expect(Self.put(longest + [32], into: longer) == .tooLong)
    } else {
      #expect(Self.put(longest, into: request) == .incomplete && Self.put(longest, into: longer) == .incomplete)
      #expect(Self.put(end, into: request) == .complete)
      #expect(longer.space.count == 1 && Self.put([32], into: longer) == .tooLong)
    }
    #expect(Self.bytes(request) == longest)
  }
}
