import Glibc
import RxCore
import Synchronization
import Testing

@testable import RxTransport

@Suite(.timeLimit(.minutes(1))) struct SystemDNSResolverTests {
  /// Lets blocked queries go on.
  final class Gate: Sendable {
    private let started = Atomic<Int>(0)
    private let most = Atomic<Int>(0)
    private let running = Atomic<Int>(0)
    private let pipe: (read: Int32, write: Int32)

    init() throws {
      var ends: [Int32] = [0, 0]
      try #require(Glibc.pipe(&ends) == 0)
      pipe = (ends[0], ends[1])
    }

    deinit {
      close(pipe.read)
      close(pipe.write)
    }

    var startedCount: Int { started.load(ordering: .sequentiallyConsistent) }
    var mostAtOnce: Int { most.load(ordering: .sequentiallyConsistent) }

    func open(_ count: Int) {
      _ = write(pipe.write, [UInt8](repeating: 0, count: count), count)
    }

    func pass() {
      started.add(1, ordering: .sequentiallyConsistent)
      most.max(running.add(1, ordering: .sequentiallyConsistent).newValue, ordering: .sequentiallyConsistent)
      var byte: UInt8 = 0
      // Ten seconds at most.
      var poll = pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0)
      if Glibc.poll(&poll, 1, 10_000) == 1 { _ = read(pipe.read, &byte, 1) }
      running.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  static func answer(_ name: String) -> [UInt8] {
    DNSBytes.message(name, 1, answers: [DNSBytes.record(DNSBytes.toQuestion, 1, [10, 0, 0, 1])])
  }

  @Test("All questions are answered by few threads")
  func bounded() async throws {
    let gate = try Gate()
    let resolver = SystemDNSResolver(threadsMax: 3, waitingMax: 100) { name, _ in
      gate.pass()
      return .success(Self.answer(name))
    }
    gate.open(40)
    let owners = await withTaskGroup(of: String?.self) { group in
      for index in 0..<40 {
        group.addTask { try? await resolver.message(of: "host\(index).example", .a).answers.first?.owner }
      }
      return await group.reduce(into: Set<String?>()) { $0.insert($1) }
    }
    #expect(owners == Set((0..<40).map { "host\($0).example" }))
    #expect(gate.mostAtOnce <= 3)
  }

  @Test("A question too many is refused, and a cancelled task does not wait for its thread")
  func refusedAndCancelled() async throws {
    let gate = try Gate()
    let resolver = SystemDNSResolver(threadsMax: 1, waitingMax: 0) { name, _ in
      gate.pass()
      return .success(Self.answer(name))
    }
    let first = Task { try await resolver.message(of: "a.example", .a) }
    while gate.startedCount == 0 { await Task.yield() }
    await #expect(throws: DNSFailure.tooManyQuestions) { try await resolver.message(of: "b.example", .a) }
    first.cancel()
    await #expect(throws: DNSFailure.cancelled) { try await first.value }
    gate.open(1)
  }

  @Test("Response codes other than no error and no such name are failures, and so is nonsense")
  func codes() async throws {
    let resolver = SystemDNSResolver { name, _ in
      name == "bad" ? .success([1, 2, 3]) : .success(DNSBytes.message("x", 1, code: UInt8(name)!))
    }
    #expect(try await resolver.message(of: "0", .a).answers.isEmpty)
    #expect(try await resolver.message(of: "3", .a).answers.isEmpty)
    await #expect(throws: DNSFailure.refused(responseCode: 2)) { try await resolver.message(of: "2", .a) }
    await #expect(throws: DNSFailure.self) { try await resolver.message(of: "bad", .a) }
  }

  // MARK: The C library

  /// Answers one question on a loopback port: with `sample`'s records.
  final class NameServer: Sendable {
    let descriptor: Int32
    let address: RxAddress

    init() throws {
      descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      try #require(descriptor >= 0)
      var local = sockaddr_in()
      local.sin_family = sa_family_t(AF_INET)
      local.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let descriptor = descriptor
      let bound = withUnsafeMutablePointer(to: &local) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
          bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
      }
      try #require(bound)
      address = RxAddress(ipv4: 0x7F00_0001, port: UInt16(bigEndian: local.sin_port))
    }

    deinit { close(descriptor) }

    /// Blocks for ten seconds at most. The reply repeats the question, as the C library wants it.
    func serve(code: UInt8) {
      var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard Glibc.poll(&poll, 1, 10_000) == 1 else { return }
      var buffer = [UInt8](repeating: 0, count: 512)
      var from = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      withUnsafeMutablePointer(to: &from) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
          let count = recvfrom(descriptor, &buffer, buffer.count, 0, pointer, &length)
          guard count > 12 else { return }
          let answer = DNSBytes.record(
            DNSBytes.toQuestion, 18, DNSBytes.uint16(1) + DNSBytes.name("db.a.example"))
          var reply = Array(buffer[..<count])
          reply[2] = 0x81
          reply[3] = 0x80 | code
          if code == 0 {
            reply[7] = 1
            reply[11] = 0
            // The question ends after its name, kind and class; what follows in the query is dropped.
            let end = reply[12...].firstIndex(of: 0)! + 5
            reply = reply[..<end] + answer
          }
          sendto(descriptor, reply, reply.count, 0, pointer, length)
        }
      }
    }
  }

  @Test("The C library asks a name server", arguments: [0, 3] as [UInt8])
  func query(code: UInt8) async throws {
    let server = try NameServer()
    BlockingWork(threadsMax: 1, waitingMax: 0).start(.init(run: { server.serve(code: code) }, refuse: {}))
    let message = try await SystemDNSResolver(nameServer: server.address).message(of: "a.example", .afsdb)
    #expect(message.responseCode == code)
    #expect(
      message.answers.map(\.content) == (code == 0 ? [.database(subtype: 1, host: "db.a.example")] : []))
  }

  @Test("A name server that is not there is a failure, and so is a name that is none")
  func noServer() async throws {
    let port = try NameServer().address
    await #expect(throws: DNSFailure.self) {
      try await SystemDNSResolver(nameServer: port).message(of: "a.example", .a)
    }
    await #expect(throws: DNSFailure.self) {
      try await SystemDNSResolver(nameServer: port).message(of: "a..example", .a)
    }
  }

  @Test("Host names of this machine have addresses, others a reason")
  func hosts() throws {
    #expect(try HostAddresses.ipv4(of: "127.0.0.1") == [0x7F00_0001])
    #expect(try HostAddresses.all(of: "127.0.0.1") == [RxAddress(ipv4: 0x7F00_0001, port: 0)])
    #expect(try HostAddresses.all(of: "::1") == [RxAddress(high: 0, low: 1, port: 0)])
    #expect(try HostAddresses.all(of: "fe80::1%lo").map(\.scope) == [1])
    #expect {
      try HostAddresses.ipv4(of: "not a host")
    } throws: { error in
      (error as? HostAddresses.Failure)?.reason.isEmpty == false
    }
  }
}
