package import AFSBase
import DequeModule

/// Answers to `rxdebug`. They are longer than the questions: only addresses in `configuration.debugNetworks` get them,
/// so that nobody can be flooded through us under a forged address.
extension RxEndpoint {
  func answersDebug(_ source: RxAddress) -> Bool {
    configuration.debugNetworks.contains { $0.contains(source) }
  }

  mutating func answerDebug(_ packet: ReceivedPacket, from source: RxAddress, now: MonotonicTime) {
    guard packet.header.isFromClient, answersDebug(source), let question = DebugQuestion(packet.body),
      debugAnswers.admit(now: now)
    else { return }
    let inquiry = RxDebugInquiry(question, packet.header, from: source)
    // Other lanes have a share in the answer, the first one's first.
    if lane.index == 0 { take(inquiry, now: now) } else { pass(inquiry) }
  }

  /// An inquiry that must go on to the lane that it names.
  package mutating func nextDebugInquiry() -> RxDebugInquiry? { debugInquiries.popFirst() }

  /// An inquiry came to this lane: answers it, or lets it go on.
  package mutating func take(_ inquiry: RxDebugInquiry, now: MonotonicTime) {
    guard !isShutDown else { return }
    var inquiry = inquiry
    let body: [UInt8]?
    switch inquiry.question {
    case .basics, .statistics:
      inquiry.sums.add(self)
      body = isLastLane ? Self.answer(inquiry) : nil
    case .connection(let index, let all): body = connectionDebugAnswer(index, all: all, now: now, &inquiry)
    case .peer(let index): body = peerDebugAnswer(index, now: now, &inquiry)
    case .unknown: body = DebugAnswers.badType
    }
    guard let body else { return pass(inquiry.continued(after: lane.index)) }
    var header = inquiry.header
    header.flags.remove(.clientInitiated)
    datagrams.append(to: inquiry.source, count: RxHeader.byteCount + body.count) { bytes in
      header.write(to: bytes)
      for (offset, byte) in body.enumerated() { bytes.store(byte, at: RxHeader.byteCount + offset) }
    }
  }

  private var isLastLane: Bool { lane.index == lane.count - 1 }

  private mutating func pass(_ inquiry: RxDebugInquiry) {
    if debugInquiries.count < Self.debugAnswersPerSecond { debugInquiries.append(inquiry) }
  }

  private static func answer(_ inquiry: RxDebugInquiry) -> [UInt8] {
    let sums = inquiry.sums
    if inquiry.question == .statistics { return DebugAnswers.statistics(sums.packets, sums.traffic, sums.census) }
    return DebugAnswers.basics(
      callsExecuted: sums.callsServed, waitingCalls: sums.census.waitingCalls, blocksFree: sums.blocksFree,
      blocks: sums.blocksFree + sums.census.blocksInUse)
  }

  private func connectionDebugAnswer(
    _ wanted: Int, all: Bool, now: MonotonicTime, _ inquiry: inout RxDebugInquiry
  ) -> [UInt8]? {
    var rest = wanted
    for index in 0..<connections.indexEnd where connections.isOccupied(index) {
      guard all || connections[index].callCount > 0 else { continue }
      if rest == 0 {
        return DebugAnswers.connection(
          describeConnection(index, now: now), channels: (0..<4).map { debugChannel($0, of: index) },
          payloadMax: peers[connections[index].peer].bodyByteCountMax,
          isAuthenticated: connections[index].isAuthenticated)
      }
      rest -= 1
    }
    inquiry.question = .connection(rest, all: all)
    return isLastLane ? DebugAnswers.end(ofConnections: true) : nil
  }

  /// OpenAFS src/rx/rx.h: RX_STATE_PRECALL 1, _ACTIVE 2; RX_MODE_SENDING 1, _RECEIVING 2; RX_OTHER_IN 1, _OUT 2.
  private func debugChannel(_ channel: Int, of connection: Int) -> DebugAnswers.Channel {
    let call = connections[connection].channels[channel].call
    guard call >= 0, !calls[call].phase.hasEnded else { return DebugAnswers.Channel() }
    var answer = DebugAnswers.Channel(state: calls[call].isClient || calls[call].isAnnounced ? 2 : 1)
    answer.mode =
      switch calls[call].phase.step {
      case .sendingRequest, .sendingReply: 1
      case .receivingRequest, .receivingReply: 2
      case .ended: 4
      }
    if calls[call].receive.isReadable { answer.other |= 1 }
    if calls[call].transmit.inFlight > 0 || calls[call].nextToTransmit != nil { answer.other |= 2 }
    return answer
  }

  private func peerDebugAnswer(_ wanted: Int, now: MonotonicTime, _ inquiry: inout RxDebugInquiry) -> [UInt8]? {
    var rest = wanted
    for index in 0..<peers.indexEnd where peers.isOccupied(index) {
      if rest == 0 { return DebugAnswers.peer(describePeer(index, now: now)) }
      rest -= 1
    }
    inquiry.question = .peer(rest)
    return isLastLane ? DebugAnswers.end(ofConnections: false) : nil
  }
}
