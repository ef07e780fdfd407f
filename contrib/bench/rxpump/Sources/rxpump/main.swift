import AFSBase
import Glibc
import RxCore

// Two endpoints, one thread, no sockets: what the protocol itself costs.

let service = ServiceID(1)
let clientAddress = RxAddress(ipv4: 0x7F00_0001, port: 1)
let serverAddress = RxAddress(ipv4: 0x7F00_0001, port: 2)

func wallTime() -> MonotonicTime {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}

func processorNanoseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Bytes come from and go to here.
nonisolated(unsafe) let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
nonisolated(unsafe) let wire = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)

final class Pump {
  var client: RxEndpoint
  var server: RxEndpoint
  var packets = 0
  var datagrams = 0

  init(configuration: RxEndpointConfiguration) {
    let now = wallTime()
    client = RxEndpoint(configuration: configuration, seed: 1, now: now)
    server = RxEndpoint(configuration: configuration, seed: 2, now: now)
    server.register(service: service)
  }

  /// Moves all datagrams of both sides, at most `batch` packets at a time.
  func exchange(now: MonotonicTime) {
    while let transmit = client.nextTransmit(into: wire, now: now) {
      forEachPacket(transmit) { server.receive($0, from: clientAddress, now: now) }
    }
    while let transmit = server.nextTransmit(into: wire, now: now) {
      forEachPacket(transmit) { client.receive($0, from: serverAddress, now: now) }
    }
  }

  private func forEachPacket(_ transmit: RxTransmit, _ body: (UnsafeRawBufferPointer) -> Void) {
    var offset = 0
    while offset < transmit.byteCount {
      let end = min(offset + transmit.segmentSize, transmit.byteCount)
      body(UnsafeRawBufferPointer(rebasing: wire[offset..<end]))
      packets += 1
      offset = end
    }
    datagrams += 1
  }

  /// One call with `upload` bytes up and `download` bytes down.
  func call(upload: Int, download: Int) {
    let handle = client.openCall(
      to: RxTarget(peer: serverAddress, service: service), options: RxCallOptions(), now: wallTime())
    var (sent, replied) = (0, 0)
    var serverHandle: RxCallHandle?
    var isRequestRead = false
    var isDone = false
    while !isDone {
      let now = wallTime()
      while sent <= upload {
        let part = min(upload - sent, scratch.count)
        let taken = client.write(
          handle, UnsafeRawBufferPointer(rebasing: scratch[..<part]), isLast: sent + part == upload, now: now)
        sent += taken
        if taken < part { break }
        if sent == upload { sent += 1 }
      }
      while let event = server.nextEvent() {
        switch event {
        case .incoming(let incoming, _): serverHandle = incoming
        case .completed(let ended, _): server.release(ended, now: now)
        case .readable, .writable: break
        }
      }
      if let serverHandle {
        while !isRequestRead {
          let (count, isAtEnd) = server.read(serverHandle, into: scratch, now: now)
          isRequestRead = isAtEnd
          if count == 0 { break }
        }
        while isRequestRead, replied <= download {
          let part = min(download - replied, scratch.count)
          let taken = server.write(
            serverHandle, UnsafeRawBufferPointer(rebasing: scratch[..<part]), isLast: replied + part == download,
            now: now)
          replied += taken
          if taken < part { break }
          if replied == download { replied += 1 }
        }
      }
      while let event = client.nextEvent() {
        if case .completed(_, let completion) = event {
          precondition(completion == .success, "\(completion)")
          isDone = true
        }
      }
      while client.read(handle, into: scratch, now: now).count > 0 {}
      exchange(now: now)
    }
    client.release(handle, now: wallTime())
    exchange(now: wallTime())
  }
}

func measure(_ name: String, calls: Int, upload: Int, download: Int, configuration: RxEndpointConfiguration) {
  let pump = Pump(configuration: configuration)
  pump.call(upload: upload, download: download)
  (pump.packets, pump.datagrams) = (0, 0)
  let start = processorNanoseconds()
  for _ in 0..<calls { pump.call(upload: upload, download: download) }
  let seconds = Double(processorNanoseconds() - start) / 1e9
  let bytes = Double(calls * (upload + download))
  print(
    "\(name): \(Int(bytes / seconds / 1e6)) MB/s, \(Int(Double(calls) / seconds)) calls/s, "
      + "\(Int(seconds * 1e9 / Double(pump.packets))) ns a packet both ends, \(pump.packets / calls) packets a call")
}

let plain = RxEndpointConfiguration()
var stock = RxEndpointConfiguration()
stock.transmitWindow = 32
measure("rpc 16/16", calls: 200_000, upload: 16, download: 16, configuration: plain)
measure("send 64 MiB", calls: 8, upload: 64 << 20, download: 16, configuration: plain)
measure("recv 64 MiB", calls: 8, upload: 16, download: 64 << 20, configuration: plain)
measure("recv 64 MiB, window 32", calls: 8, upload: 16, download: 64 << 20, configuration: stock)
measure("recv 1 MiB, window 32", calls: 200, upload: 16, download: 1 << 20, configuration: stock)
