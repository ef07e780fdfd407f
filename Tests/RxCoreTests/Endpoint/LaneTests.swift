import AFSBase
import AFSTypes
import Testing

@testable import RxCore

@Suite struct LaneTests {
  private func datagram(_ cid: UInt32, epoch: UInt32, fromClient: Bool, type: PacketType = .data) -> [UInt8] {
    var header = RxHeader(
      epoch: epoch, cid: cid, callNumber: CallNumber(1), type: type, flags: fromClient ? [.clientInitiated] : [],
      securityIndex: 0, serviceID: 1)
    header.seq = Seq(1)
    return [UInt8](unsafeUninitializedCapacity: RxHeader.byteCount) { buffer, count in
      header.write(to: buffer.baseAddress!)
      count = RxHeader.byteCount
    }
  }

  private func lane(_ bytes: [UInt8], among count: Int) -> Int? {
    bytes.withUnsafeBytes { RxLane.index(of: $0, among: count) }
  }

  @Test(
    "The ids of a lane's connections lead replies back to it, also where they wrap", arguments: [1, 2, 3, 4, 7, 64])
  func replies(count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    for index in 0..<count {
      let own = RxLane(index: index, of: count)
      for random in [UInt32.max, 0, UInt32(truncatingIfNeeded: generator.next())] {
        var id = own.connectionID(from: random)
        for _ in 0..<5 {
          for channel in UInt32(0)..<4 {
            #expect(lane(datagram(id | channel, epoch: 7, fromClient: false), among: count) == index)
          }
          id &+= own.connectionIDStride
        }
      }
    }
  }

  @Test("Endpoints of two lanes have one epoch and different connection ids")
  func endpoints() {
    let configuration = RxEndpointConfiguration()
    let first = RxEndpoint(configuration: configuration, seed: 1, now: .zero, lane: RxLane(index: 0, of: 2))
    let second = RxEndpoint(
      configuration: configuration, seed: 2, now: .zero, lane: RxLane(index: 1, of: 2, epoch: first.epoch))
    #expect(first.epoch == second.epoch)
    #expect(first.nextConnectionID >> 2 & 1 == 0)
    #expect(second.nextConnectionID >> 2 & 1 == 1)
  }

  @Test("A client's connections in sequence, and the first ones of many clients, are spread over the lanes")
  func spread() {
    var generator = SeededGenerator(seed: 3)
    for count in [2, 3, 4, 8] {
      for stride in [UInt32(4), 8, 16, 64] {
        var taken = [Int](repeating: 0, count: count)
        let epoch = UInt32(truncatingIfNeeded: generator.next())
        for step in UInt32(0)..<400 {
          taken[lane(datagram(step &* stride, epoch: epoch, fromClient: true), among: count)!] += 1
        }
        #expect(taken.min()! > 400 / count / 3, "\(count) lanes, stride \(stride): \(taken)")
      }
      var taken = [Int](repeating: 0, count: count)
      for _ in 0..<400 {
        let epoch = UInt32(truncatingIfNeeded: generator.next())
        taken[lane(datagram(4, epoch: epoch, fromClient: true), among: count)!] += 1
      }
      #expect(taken.min()! > 400 / count / 3, "\(count) lanes, many clients: \(taken)")
    }
  }

  @Test("The answer to the question whether a client receives leads to the lane that asked", arguments: [1, 2, 3, 8])
  func proof(count: Int) throws {
    let client = RxAddress(ipv4: 0x0A00_0002, port: 7000)
    for index in 0..<count {
      var endpoint = RxEndpoint(
        configuration: RxEndpointConfiguration(), seed: UInt64(index), now: .zero,
        lane: RxLane(index: index, of: count))
      endpoint.register(service: ServiceID(1))
      // More than 64 calls of a client: some of them wait for its proof.
      for call in 0..<100 {
        let request = datagram(UInt32(call) << 2, epoch: 7, fromClient: true)
        request.withUnsafeBytes { endpoint.receive($0, from: client, now: .zero) }
      }
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 8)
      defer { buffer.deallocate() }
      var questions: [RxHeader] = []
      while let transmit = endpoint.nextTransmit(into: buffer, now: .zero) {
        let header = try #require(RxHeader(UnsafeRawBufferPointer(rebasing: buffer[..<transmit.byteCount])))
        if header.type == PacketType.version.rawValue { questions.append(header) }
      }
      let question = try #require(questions.first)
      let answer = datagram(question.cid, epoch: question.epoch, fromClient: false, type: .version)
      #expect(lane(answer, among: count) == index)
    }
  }

  @Test("What belongs to no connection may go anywhere")
  func anywhere() {
    #expect(lane(datagram(4, epoch: 1, fromClient: true, type: .version), among: 4) == nil)
    #expect(lane(datagram(4, epoch: 1, fromClient: true, type: .debug), among: 4) == nil)
    #expect(lane(Array(datagram(4, epoch: 1, fromClient: true).dropLast()), among: 4) == nil)
    // Three lanes take two bits of an id; the fourth value is nobody's.
    #expect(lane(datagram(12, epoch: 1, fromClient: false), among: 3) == nil)
  }
}
