import AFSBase
import AFSTypes
import Glibc
import RxCore
import SystemPackage
import Testing

@testable import RxTransport

/// A file that is gone with its last use.
private final class ScratchFile {
  let descriptor: FileDescriptor

  init(_ size: Int = 0) throws {
    var path = Array("/tmp/rx-file-XXXXXX".utf8CString)
    let number = mkstemp(&path)
    try #require(number >= 0)
    unlink(path)
    descriptor = FileDescriptor(rawValue: number)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    for offset in stride(from: 0, to: size, by: buffer.count) {
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, size - offset)])
      Checksum.pattern(at: offset, into: piece)
      try descriptor.writeAll(toAbsoluteOffset: Int64(offset), UnsafeRawBufferPointer(piece))
    }
  }

  deinit { try? descriptor.close() }

  func bytes(_ offset: Int, _ count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = try descriptor.read(fromAbsoluteOffset: Int64(offset), into: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}

extension FileDescriptor {
  @discardableResult
  fileprivate func writeAll(toAbsoluteOffset offset: Int64, _ bytes: UnsafeRawBufferPointer) throws -> Int {
    var done = 0
    while done < bytes.count {
      done += try write(toAbsoluteOffset: offset + Int64(done), UnsafeRawBufferPointer(rebasing: bytes[done...]))
    }
    return done
  }
}

@Suite(.timeLimit(.minutes(2))) struct FileStreamTests {
  private static let sizes = [0, 1, 1416, 1417, 3_000_001]

  private func checksum(_ bytes: [UInt8]) -> [UInt8] {
    var sum = Checksum()
    bytes.withUnsafeBytes { sum.add($0) }
    return sum.bytes
  }

  @Test("A range of a file is sent as it is", arguments: sizes, [false, true])
  func send(size: Int, onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(10))
    let source = try ScratchFile(size + 100)
    let from = source.descriptor
    let reply = try await Task(executorPreference: onExecutor ? client.executor : nil) { () async throws -> [UInt8] in
      let stream = try await client.startCall(to: target, options: .init())
      try await stream.send(file: from, offset: 50, count: size / 3, last: false)
      try await stream.send(file: from, offset: Int64(50 + size / 3), count: size - size / 3, last: true)
      let reply = try await stream.receive(count: 100)
      try await stream.finish()
      return reply
    }.value
    #expect(reply == checksum(try source.bytes(50, size)))
    await pair.shutDown()
  }

  @Test("A reply is received into a file, where it belongs", arguments: sizes, [false, true])
  func receive(size: Int, onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(11))
    let destination = try ScratchFile()
    let to = destination.descriptor
    guard size > 0 else { return }
    let received = try await Task(executorPreference: onExecutor ? client.executor : nil) { () async throws -> Int in
      let stream = try await client.startCall(to: target, options: .init())
      try await stream.send(withUnsafeBytes(of: UInt64(size).littleEndian, Array.init), last: true)
      let first = try await stream.receive(into: to, offset: 7, count: size / 3)
      let second = try await stream.receive(into: to, offset: Int64(7 + first), count: size)
      try await stream.finish()
      return first + second
    }.value
    #expect(received == size)
    #expect(try destination.bytes(7, size + 1) == Self.pattern(size))
    await pair.shutDown()
  }

  /// What the source service sends: a pattern in pieces of 1 MiB.
  private static func pattern(_ size: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { elements, count in
      let buffer = UnsafeMutableRawBufferPointer(elements)
      for offset in stride(from: 0, to: size, by: 1 << 20) {
        Checksum.pattern(
          at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<min(offset + (1 << 20), size)]))
      }
      count = size
    }
  }

  @Test("A file that is too short is named, and what was there of it has been sent", arguments: [false, true])
  func shortFile(onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(10))
    let source = try ScratchFile(500_000)
    let from = source.descriptor
    let reply = try await Task(executorPreference: onExecutor ? client.executor : nil) { () async throws -> [UInt8] in
      let stream = try await client.startCall(to: target, options: .init())
      await #expect(throws: RxFileError.shortFile(offset: 500_000)) {
        try await stream.send(file: from, offset: 100_000, count: 500_000, last: true)
      }
      // The call goes on.
      try await stream.send([1, 2, 3], last: true)
      let reply = try await stream.receive(count: 100)
      try await stream.finish()
      return reply
    }.value
    #expect(reply == checksum(try source.bytes(100_000, 400_000) + [1, 2, 3]))
    await pair.shutDown()
  }

  @Test("A file that takes no more is named, and loses nothing of the stream", arguments: [false, true])
  func fullDisk(onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (client, target) = (pair.client, pair.target(11))
    let full = try FileDescriptor.open("/dev/full", .writeOnly)
    defer { try? full.close() }
    let readOnly = try FileDescriptor.open("/dev/null", .readOnly)
    defer { try? readOnly.close() }
    let bytes = try await Task(executorPreference: onExecutor ? client.executor : nil) { () async throws -> [UInt8] in
      let stream = try await client.startCall(to: target, options: .init())
      try await stream.send(withUnsafeBytes(of: UInt64(300_000).littleEndian, Array.init), last: true)
      let first = try await stream.receive(count: 1000)
      await #expect(throws: RxFileError.file(errno: ENOSPC, offset: 5)) {
        try await stream.receive(into: full, offset: 5, count: 10_000)
      }
      await #expect(throws: RxFileError.file(errno: EBADF, offset: 6)) {
        try await stream.receive(into: readOnly, offset: 6, count: 10_000)
      }
      let rest = try await stream.receive(count: 400_000)
      try await stream.finish()
      return first + rest
    }.value
    #expect(bytes == Self.pattern(300_000))
    await pair.shutDown()
  }

  @Test("A file that cannot be read ends the send, not the call")
  func unreadable() async throws {
    let pair = try LoopbackPair()
    let writeOnly = try FileDescriptor.open("/dev/null", .writeOnly)
    defer { try? writeOnly.close() }
    let stream = try await pair.client.startCall(to: pair.target(9), options: .init())
    await #expect(throws: RxFileError.file(errno: EBADF, offset: 0)) {
      try await stream.send(file: writeOnly, offset: 0, count: 10, last: true)
    }
    try await stream.send([9], last: true)
    #expect(try await stream.receive(count: 2) == [9])
    try await stream.finish()
    await pair.shutDown()
  }

  @Test("The end of the call ends waiting transfers with its error")
  func aborted() async throws {
    let pair = try LoopbackPair()
    let source = try ScratchFile(20 << 20)
    let from = source.descriptor
    let stream = try await pair.client.startCall(to: pair.target(12), options: .init())
    // The service takes four bytes and returns: the rest waits for the window until the abort comes.
    await #expect(throws: RxFileError.call(.aborted(.rxUserAbort))) {
      try await stream.send(file: from, offset: 0, count: 20 << 20, last: false)
      _ = try await stream.receive(into: from, offset: 0, count: 1)
    }
    await pair.shutDown()
  }

  @Test("A cancelled transfer ends at once", arguments: [false, true])
  func cancelled(onExecutor: Bool) async throws {
    let pair = try LoopbackPair()
    let (begun, _) = pair.registerSilentService()
    let (client, target) = (pair.client, pair.target(13))
    let destination = try ScratchFile()
    let to = destination.descriptor
    let task = Task(executorPreference: onExecutor ? client.executor : nil) { () async -> RxFileError? in
      do throws(RxFileError) {
        guard let stream = try? await client.startCall(to: target, options: .init()) else { return nil }
        try? await stream.send([1], last: true)
        _ = try await stream.receive(into: to, offset: 0, count: 1 << 30)
        return nil
      } catch {
        return error
      }
    }
    var beginnings = begun.makeAsyncIterator()
    await beginnings.next()
    task.cancel()
    #expect(await task.value == .call(.cancelled))
    await pair.shutDown()
  }

  @Test("Streams without a way of their own go through a buffer, with the same errors")
  func plainStream() async throws {
    let source = try ScratchFile(200_000)
    let stream = MemoryStream(reply: try source.bytes(0, 150_000))
    try await stream.send(file: source.descriptor, offset: 10, count: 150_000, last: true)
    #expect(stream.sent == (try source.bytes(10, 150_000)))
    #expect(stream.hasEnded)
    await #expect(throws: RxFileError.shortFile(offset: 200_000)) {
      try await stream.send(file: source.descriptor, offset: 199_000, count: 1001, last: false)
    }
    let destination = try ScratchFile()
    #expect(try await stream.receive(into: destination.descriptor, offset: 3, count: 160_000) == 150_000)
    #expect(try destination.bytes(3, 150_000) == source.bytes(0, 150_000))
  }
}

/// A stream that is two arrays, used by one task.
private final class MemoryStream: RxStream, @unchecked Sendable {
  private(set) var sent: [UInt8] = []
  private(set) var hasEnded = false
  private var reply: [UInt8]

  init(reply: [UInt8]) { self.reply = reply }

  func send(_ bytes: UnsafeRawBufferPointer, last: Bool) async throws(RxCallError) {
    sent += bytes
    hasEnded = last
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(RxCallError) -> Int {
    let count = min(buffer.count, reply.count)
    buffer.copyBytes(from: reply[..<count])
    reply.removeFirst(count)
    return count
  }

  func finish() async throws(RxCallError) {}
  func abort(_ code: AbortCode) {}
}
