import AFSBase

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
    let body =
      switch question {
      case .basics: basicDebugAnswer
      case .connection(let index, let all): connectionDebugAnswer(index, all: all, now: now)
      case .statistics: DebugAnswers.statistics(packets, traffic, census)
      case .peer(let index): peerDebugAnswer(index, now: now)
      case .unknown: DebugAnswers.badType
      }
    var header = packet.header
    header.flags.remove(.clientInitiated)
    datagrams.append(to: source, count: RxHeader.byteCount + body.count) { bytes in
      header.write(to: bytes)
      for (offset, byte) in body.enumerated() { bytes.store(byte, at: RxHeader.byteCount + offset) }
    }
  }

  private var basicDebugAnswer: [UInt8] {
    let served = operations.counts.lazy.filter { !$0.key.isOutgoing }.map(\.value.calls).reduce(0, +)
    return DebugAnswers.basics(
      callsExecuted: served, waitingCalls: waitingCalls, blocksFree: pool.blocksFree,
      blocks: pool.blocksFree + pool.blocksInUse)
  }

  private func connectionDebugAnswer(_ wanted: Int, all: Bool, now: MonotonicTime) -> [UInt8] {
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
    return DebugAnswers.end(ofConnections: true)
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

  private func peerDebugAnswer(_ wanted: Int, now: MonotonicTime) -> [UInt8] {
    var rest = wanted
    for index in 0..<peers.indexEnd where peers.isOccupied(index) {
      if rest == 0 { return DebugAnswers.peer(describePeer(index, now: now)) }
      rest -= 1
    }
    return DebugAnswers.end(ofConnections: false)
  }
}
