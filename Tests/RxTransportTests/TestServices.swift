import AFSTypes
import RxCore
import RxTransport

/// Sends every byte back, in pieces of 64 KiB.
struct EchoService: RxService {
  let id = ServiceID(9)

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    defer { buffer.deallocate() }
    do {
      while true {
        let count = try await stream.receive(into: buffer)
        let isLast = count < buffer.count
        try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<count]), last: isLast)
        if isLast { return }
      }
    } catch {}
  }
}

/// Takes everything; answers with length and checksum.
struct SinkService: RxService {
  let id = ServiceID(10)

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var sum = Checksum()
    do {
      while true {
        let count = try await stream.receive(into: buffer)
        sum.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        if count < buffer.count { break }
      }
      try await stream.send(sum.bytes, last: true)
    } catch {}
  }
}

/// The request's first eight bytes are how much to send.
struct SourceService: RxService {
  let id = ServiceID(11)

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    do {
      let request = try await stream.receive(count: 8)
      var rest = request.reversed().reduce(0) { $0 << 8 | Int($1) }
      var offset = 0
      while rest > 0 {
        let count = min(rest, buffer.count)
        Checksum.pattern(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        rest -= count
        offset += count
        try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<count]), last: rest == 0)
      }
    } catch {}
  }
}

/// Reads the request and returns without an answer.
struct ForgetfulService: RxService {
  let id = ServiceID(12)

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    _ = try? await stream.receive(count: 4)
  }
}

/// Never answers; says when a handler has begun, and how its wait ended.
struct SilentService: RxService {
  let id = ServiceID(13)
  let begun: AsyncStream<Void>.Continuation
  let ended: AsyncStream<RxCallError?>.Continuation

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    begun.yield()
    do {
      _ = try await stream.receive(count: 1 << 20)
      // The request has ended; the call goes on until somebody ends it.
      let buffer = [UInt8](repeating: 0, count: 1 << 20)
      while true { try await stream.send(buffer, last: false) }
    } catch {
      ended.yield(error)
    }
  }
}

/// Sends a mebibyte and then stalls until the transport is shut down.
struct StallingService: RxService {
  let id = ServiceID(14)

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    do {
      _ = try await stream.receive(count: 4)
      try await stream.send([UInt8](repeating: 1, count: 1 << 20), last: false)
      // Ends when the handler is cancelled.
      let (never, end) = AsyncStream<Void>.makeStream()
      for await _ in never {}
      end.finish()
    } catch {}
  }
}

/// A checksum that depends on order (FNV-1a over 8 bytes at a time), with the length.
struct Checksum: Equatable {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325
  private(set) var count = 0

  /// All but the last piece must be multiples of 8 long.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset + 8 <= bytes.count {
      state = (state ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0x0000_0100_0000_01B3
      offset += 8
    }
    for byte in bytes[offset...] { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    count += bytes.count
  }

  var bytes: [UInt8] {
    withUnsafeBytes(of: state.littleEndian, Array.init) + withUnsafeBytes(of: UInt64(count).littleEndian, Array.init)
  }

  /// Test data: each 8 bytes tell their place.
  static func pattern(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) {
    for place in stride(from: 0, to: buffer.count - 7, by: 8) {
      buffer.storeBytes(
        of: UInt64(offset + place) &* 0x9E37_79B9_7F4A_7C15, toByteOffset: place, as: UInt64.self)
    }
    for place in (buffer.count & ~7)..<buffer.count { buffer[place] = UInt8(truncatingIfNeeded: offset + place) }
  }
}
