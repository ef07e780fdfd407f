import AFSBase
import AFSTypes
import CLinuxShims
import Glibc
import Logging
import RxCore
import Testing

@testable import RxTransport

/// What a pump does about a kernel that refuses to send.
@Suite struct SocketPumpTests {
  /// A sendmmsg(2) that does what the test says, and keeps what it was given.
  private final class Kernel {
    struct Message: Equatable {
      var byteCount: Int
      /// Is to be cut apart by UDP_SEGMENT.
      var isBurst: Bool
      var mayFragment: Bool
    }

    /// 0, or the errno that a message gets.
    var verdict: (Message) -> Int32 = { _ in 0 }
    private(set) var sent: [Message] = []
    private(set) var refused: [Message] = []
    /// The latest message sent.
    private(set) var bytes: [UInt8] = []

    func send(_ descriptor: CInt, _ messages: UnsafeMutablePointer<afsfuse_message>, _ count: UInt32) -> CInt {
      for index in 0..<Int(count) {
        let header = messages[index].msg_hdr
        let data = UnsafeRawBufferPointer(start: header.msg_iov[0].iov_base, count: header.msg_iov[0].iov_len)
        let message = Message(
          byteCount: data.count, isBurst: header.msg_controllen > 0, mayFragment: Self.mayFragment(descriptor))
        let failure = verdict(message)
        guard failure == 0 else {
          refused.append(message)
          if index > 0 { return CInt(index) }
          errno = failure
          return -1
        }
        sent.append(message)
        bytes = Array(data)
      }
      return CInt(count)
    }

    private static func mayFragment(_ descriptor: CInt) -> Bool {
      var mode: CInt = -1
      var length = socklen_t(4)
      #expect(getsockopt(descriptor, CInt(IPPROTO_IP), IP_MTU_DISCOVER, &mode, &length) == 0)
      return mode == IP_PMTUDISC_DONT
    }
  }

  /// A call without an owner: how it ended.
  private final class Call: DrivenCall {
    var completion: RxCompletion?
    func becameReadable(_ driver: RxEndpointDriver) {}
    func becameWritable(_ driver: RxEndpointDriver) {}
    func completed(_ completion: RxCompletion, _ driver: RxEndpointDriver) { self.completion = completion }
  }

  /// A pump on a socket, with the kernel above in between.
  private final class Bench {
    static let peer = RxAddress(ipv4: 0x7F00_0001, port: 7001)
    static let ipv6Peer = RxAddress(high: 0, low: 1, port: 7001)

    let kernel = Kernel()
    let loop: RxIOThread
    let driver: RxEndpointDriver
    let pump: SocketPump

    init(wantsIPv6: Bool = true) throws {
      loop = try RxIOThread()
      driver = RxEndpointDriver(
        loop: loop, configuration: RxEndpointConfiguration(), key: RandomKey(1, 1),
        now: MonotonicTime(nanoseconds: 1_000_000_000))
      let kernel = kernel
      pump = SocketPump(
        driver: driver,
        socket: try UDPSocket(address: nil, port: 0, bufferBytes: 1 << 16, wantsIPv6: wantsIPv6),
        logger: Logger(label: "test")
      ) { kernel.send($0, $1, $2) }
    }

    deinit { loop.end() }

    /// Begins a call with a request of `count` bytes.
    func call(_ count: Int, to peer: RxAddress = peer) -> Call {
      let call = Call()
      let handle = driver.open(call, to: RxTarget(peer: peer, service: ServiceID(1)), options: RxCallOptions())!
      _ = [UInt8](repeating: 7, count: count).withUnsafeBytes { driver.write(handle, $0, isLast: true) }
      driver.settle()
      return call
    }

    /// Sends until nothing waits for a full queue any more.
    func flush() {
      repeat { pump.flush() } while pump.retryAt != nil
    }
  }

  @Test("What finds the interface's queue full is sent a little later, and nothing is lost")
  func fullQueue() throws {
    let bench = try Bench()
    var refusals = 3
    bench.kernel.verdict = { _ in
      refusals -= 1
      return refusals >= 0 ? ENOBUFS : 0
    }
    let call = bench.call(16)
    bench.flush()
    #expect(bench.kernel.refused.count == 3)
    #expect(bench.kernel.sent.map(\.byteCount) == [28 + 16])
    #expect(bench.pump.counters.sendErrors == 0)
    #expect(call.completion == nil)
  }

  @Test("A queue that stays full costs the datagram, not the call, and the port goes on")
  func fullQueueForEver() throws {
    let bench = try Bench()
    bench.kernel.verdict = { _ in ENOBUFS }
    let call = bench.call(16)
    bench.flush()
    #expect(bench.kernel.sent.isEmpty)
    #expect(bench.pump.counters.sendErrors == 1)
    #expect(call.completion == nil)
    bench.kernel.verdict = { _ in 0 }
    bench.driver.advance(to: bench.driver.now + .seconds(2))
    bench.flush()
    #expect(bench.kernel.sent.first?.byteCount == 28 + 16)
  }

  @Test("A full send buffer makes the pump wait for room")
  func fullBuffer() throws {
    let bench = try Bench()
    bench.kernel.verdict = { _ in EAGAIN }
    _ = bench.call(16)
    bench.pump.flush()
    #expect(bench.pump.wantsWrite)
    bench.kernel.verdict = { _ in 0 }
    bench.pump.flush()
    #expect(!bench.pump.wantsWrite)
    #expect(bench.kernel.sent.count == 1)
  }

  @Test(
    "A burst that kernel or card cannot cut apart goes out in pieces; where they never can, later ones do at once",
    arguments: [EIO, EOPNOTSUPP, EINVAL, EMSGSIZE])
  func burstRefused(failure: Int32) throws {
    let bench = try Bench()
    bench.kernel.verdict = { $0.isBurst ? failure : 0 }
    let call = bench.call(4 * 1416)
    bench.flush()
    #expect(bench.kernel.sent.map(\.byteCount) == Array(repeating: 1444, count: 4))
    #expect(bench.pump.counters.sendErrors == 0)
    #expect(call.completion == nil)
    let refusals = bench.kernel.refused.count
    #expect(refusals > 0)
    _ = bench.call(2 * 1416)
    bench.flush()
    #expect(bench.kernel.sent.count == 6)
    // Datagrams longer than the interface's say nothing about the next burst.
    let isLasting = failure == EIO || failure == EOPNOTSUPP
    #expect((bench.kernel.refused.count == refusals) == isLasting)
  }

  @Test("Of a burst whose datagrams are too long for the interface, the short one is sent, and the call goes on")
  func tooLong() throws {
    let bench = try Bench()
    bench.kernel.verdict = { $0.isBurst || $0.byteCount > 1000 ? EMSGSIZE : 0 }
    let call = bench.call(3 * 1416 + 100)
    bench.flush()
    #expect(bench.kernel.sent.map(\.byteCount) == [128])
    #expect(bench.pump.counters.sendErrors == 3)
    #expect(call.completion == nil)
  }

  @Test("What was made for a longer path may be fragmented, and only that")
  func fragmentation() throws {
    let bench = try Bench()
    let call = bench.call(1416)
    bench.flush()
    #expect(bench.kernel.sent == [Kernel.Message(byteCount: 1444, isBurst: false, mayFragment: false)])
    bench.kernel.bytes.withUnsafeBytes { bench.driver.receivedPathMTU(1000, from: Bench.peer, quoting: $0) }
    bench.driver.advance(to: bench.driver.now + .seconds(2))
    bench.flush()
    #expect(bench.kernel.sent.last == Kernel.Message(byteCount: 1444, isBurst: false, mayFragment: true))
    _ = bench.call(16)
    bench.flush()
    #expect(bench.kernel.sent.last == Kernel.Message(byteCount: 44, isBurst: false, mayFragment: false))
    #expect(call.completion == nil)
  }

  @Test("A host that is out of reach ends the calls to it, and those alone", arguments: [EHOSTUNREACH, ENETUNREACH])
  func unreachable(failure: Int32) throws {
    let bench = try Bench()
    bench.kernel.verdict = { $0.byteCount == 44 ? failure : 0 }
    let lost = bench.call(16)
    let other = bench.call(20, to: RxAddress(ipv4: 0x7F00_0002, port: 7001))
    bench.flush()
    #expect(lost.completion == .failure(.unreachable(failure)))
    #expect(other.completion == nil)
    #expect(bench.kernel.sent.map(\.byteCount) == [48])
  }

  @Test("On a host without IPv6 a call to an address of it ends at once, and others do not")
  func noIPv6() throws {
    let bench = try Bench(wantsIPv6: false)
    let lost = bench.call(16, to: Bench.ipv6Peer)
    let other = bench.call(20)
    bench.flush()
    #expect(lost.completion == .failure(.unreachable(EAFNOSUPPORT)))
    #expect(other.completion == nil)
    #expect(bench.kernel.sent.map(\.byteCount) == [48])
  }

  @Test("Without IPv6 a port at an address of it is refused")
  func noIPv6Port() {
    let error = #expect(throws: RxTransportError.self) {
      _ = try UDPSocket(
        address: RxAddress(high: 0, low: 1, port: 0), port: 0, bufferBytes: 1 << 16, wantsIPv6: false
      ).family
    }
    #expect(error.map { "\($0)" }?.contains("socket") == true)
  }
}
