import Testing

@testable import rxperf

@Suite struct PerfRequestTests {
  @Test("A request is laid out as OpenAFS's rxperf reads it")
  func layout() {
    let request = PerfRequest(.rpc, sendBytes: 3, receiveBytes: 30, readSize: 0x1000, writeSize: 0x2000)
    #expect(
      request.encoded == [
        0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0x10, 0, 0, 0, 0x20, 0, 0, 0, 0, 3, 0, 0, 0, 30,
      ])
    #expect(PerfRequest(.send, sendBytes: 258).encoded.suffix(4) == [0, 0, 1, 2])
    #expect(PerfRequest(.recv, receiveBytes: 1).encoded.prefix(8) == [0, 0, 0, 3, 0, 0, 0, 1])
  }

  @Test("A list sends up to its empty line and receives after it")
  func list() throws {
    let request = try PerfRequest(entries: [5, 7, 0, 2, 3])
    #expect(request.sendBytes == 48)
    #expect(request.receiveBytes == 20)
    #expect(request.encoded.count == 20 + 20)
    #expect(request.sends == [20, 28] && request.receives == [8, 12])
    #expect(!request.hasCookie)
  }

  @Test("A list that turns twice is refused")
  func twoTurns() {
    #expect(throws: PerfError.self) { try PerfRequest(entries: [1, 0, 2, 0, 3]) }
  }

  @Test("What the client encodes the server reads", arguments: [PerfOperation.send, .recv, .rpc])
  func roundTrip(operation: PerfOperation) throws {
    let request = PerfRequest(operation, sendBytes: 1000, receiveBytes: 1000, readSize: 77, writeSize: 88)
    let read = try Array(request.encoded.prefix(20)).withUnsafeBytes { try PerfRequest(fixed: $0) }
    #expect(read.operation == operation && read.readSize == 77 && read.writeSize == 88)
    #expect(read.sendBytes == (operation == .recv ? 0 : 1000))
    #expect(read.receiveBytes == (operation == .recv ? 1000 : 0))
  }

  @Test(
    "Malformed requests are refused",
    arguments: [
      [3, 0, 8, 8], [2, 0, 8, 8, 1], [3, 2, 8, 8, 1], [3, 0, 0, 8, 1], [3, 0, 8, 524_289, 1],
      [3, 0, 8, 8, 0x8000_0000], [3, 4, 8, 8, 1 << 20 + 1],
    ] as [[UInt32]])
  func malformed(words: [UInt32]) {
    let bytes = words.flatMap { [UInt8($0 >> 24), UInt8($0 >> 16 & 255), UInt8($0 >> 8 & 255), UInt8($0 & 255)] }
    #expect(throws: PerfError.self) { try bytes.withUnsafeBytes { try PerfRequest(fixed: $0) } }
  }
}
