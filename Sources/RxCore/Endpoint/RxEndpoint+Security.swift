import AFSBase
import AFSTypes

/// Challenges and responses.
extension RxEndpoint {
  // MARK: Client

  /// A server wants to know who we are. Ignored without a call under way: someone may use us as an oracle.
  mutating func receivedChallenge(_ body: UnsafeRawBufferPointer, _ connection: Int, now: MonotonicTime) {
    guard connections[connection].callCount > 0, let security = connections[connection].clientSecurity,
      connections[connection].mayRespond(now: now)
    else { return }
    let response: [UInt8]
    do throws(RxSecurityFailure) {
      response = try security.respond(to: body, callNumbers: connections[connection].callNumbers)
    } catch {
      securityRefusals.note(error, from: connections[connection].address, now: now)
      sendConnectionAbort(connection, error.code, now: now)
      endConnection(connection, .security(error.reason), now: now)
      return
    }
    send(.response, response, connection)
  }

  private mutating func send(_ type: PacketType, _ body: [UInt8], _ connection: Int) {
    let header = connections[connection].header(type, callNumber: .connection, channel: 0)
    datagrams.append(to: connections[connection].address, count: RxHeader.byteCount + body.count) { bytes in
      header.write(to: bytes)
      for (offset, byte) in body.enumerated() { bytes.store(byte, at: RxHeader.byteCount + offset) }
    }
  }

  // MARK: Server

  /// A call waits for its client to be known: the challenge goes out, unless it has.
  mutating func demandAuthentication(_ connection: Int, now: MonotonicTime) {
    guard !connections[connection].challenge.isAwaiting else { return }
    sendChallenge(connection, now: now)
  }

  private mutating func sendChallenge(_ connection: Int, now: MonotonicTime) {
    guard let security = connections[connection].serverSecurity else { return }
    let body = security.challenge()
    guard mayAnswer(connection, RxHeader.byteCount + body.count, now: now) else {
      // Asked for again when the client's next packet or its proof comes.
      for channel in 0..<4 {
        let call = connections[connection].channels[channel].call
        if call >= 0 { block(call, now: now) }
      }
      return
    }
    send(.challenge, body, connection)
    connections[connection].challenge.asked(now: now)
    connectionTimers.set(connection, connections[connection].challenge.nextAt)
  }

  /// Questions that were not answered are asked again.
  mutating func connectionTimerPassed(_ connection: Int, now: MonotonicTime) {
    guard connections.isOccupied(connection) else { return }
    if connections[connection].challenge.isDue(now: now) {
      connections[connection].challenge.answered()
      if connections[connection].callCount > 0, !connections[connection].isAuthenticated {
        guard !connections[connection].challenge.isExhausted else {
          return endConnection(connection, .aborted(.rxCallDead), now: now)
        }
        sendChallenge(connection, now: now)
      }
    }
    if connections[connection].reach.isDue(now: now) { repeatReachPing(connection, now: now) }
    if let due = connections[connection].finalAcksAt, due <= now { sendOwedFinalAcks(connection) }
    connectionTimers.set(connection, connections[connection].nextTimer)
  }

  /// Only an answer to a challenge of ours counts, and only the first good one.
  mutating func receivedResponse(_ body: UnsafeRawBufferPointer, _ connection: Int, now: MonotonicTime) {
    guard let security = connections[connection].serverSecurity, !security.isAuthenticated,
      connections[connection].challenge.attempts > 0
    else { return }
    do throws(RxSecurityFailure) {
      let callNumbers = try security.accept(response: body)
      if let callNumbers { vouch(callNumbers, connection) }
    } catch {
      securityRefusals.note(error, from: connections[connection].address, now: now)
      failConnection(connection, error.code, now: now)
      return
    }
    connections[connection].challenge.answered()
    // Who answers a challenge receives at the address.
    proved(connections[connection].peer, now: now)
    guard connections.isOccupied(connection) else { return }
    advanceStreams(of: connection, now: now)
  }

  /// Something that kept the calls of a connection waiting is gone.
  mutating func advanceStreams(of connection: Int, now: MonotonicTime) {
    for channel in 0..<4 {
      let call = connections[connection].channels[channel].call
      guard call >= 0 else { continue }
      guard advanceStream(call, now: now) else { return }
      queueToSend(call)
      rearm(call)
    }
  }

  /// Calls older than those the client vouched for are replays. The vouched one itself is still to be taken: its first
  /// packet may have been lost.
  private mutating func vouch(_ callNumbers: [4 of UInt32], _ connection: Int) {
    for channel in 0..<4 where connections[connection].channels[channel].isFree && callNumbers[channel] > 1 {
      let seen = CallNumber(callNumbers[channel] - 1)
      if seen > connections[connection].channels[channel].callNumber {
        connections[connection].channels[channel].callNumber = seen
        connections[connection].channels[channel].ending = .silent
      }
    }
  }
}
