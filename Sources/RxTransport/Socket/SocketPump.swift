import AFSBase
import Glibc
import Logging
import RxCore

/// Moves datagrams between a socket and a driver. On the I/O thread only.
final class SocketPump {
  let driver: RxEndpointDriver
  private var isOpen = true
  /// nil once it was closed.
  private var socket: UDPSocket?
  private let family: SocketFamily
  let descriptor: CInt
  private let logger: Logger
  private let receiveBatch = ReceiveBatch()
  private let transmitBatch = TransmitBatch()
  /// Whether the socket may have something: after a wake-up, and as long as looks at it gave something.
  private var mayBeReadable = true
  /// The error queue may have something.
  private var mayHaveErrors = false
  /// Messages of the receive batch that have not been delivered.
  private var collected = 0
  /// The kernel cannot cut datagrams for this socket (no checksum offload, old kernel).
  private var lacksSegmentation = false
  /// The socket's send buffer was full: wake up when there is room.
  private(set) var wantsWrite = false
  private(set) var counters = RxSocketCounters()

  init(driver: RxEndpointDriver, socket: consuming UDPSocket, logger: Logger) {
    self.driver = driver
    descriptor = socket.descriptor
    family = socket.family
    self.socket = consume socket
    self.logger = logger
  }

  func wokeUp(_ wakeup: Poller.Wakeup) {
    if wakeup.isReadable { mayBeReadable = true }
    if wakeup.hasError { mayHaveErrors = true }
  }

  // MARK: In

  /// Takes one batch from the socket; `deliver` hands it on.
  /// - Returns: whether there was anything.
  func collect() -> Bool {
    guard collected == 0 else { return true }
    guard mayBeReadable, isOpen else { return false }
    switch receiveBatch.receive(from: descriptor) {
    case .messages(let count):
      counters.receiveBatches += 1
      collected = count
      return true
    case .empty:
      mayBeReadable = false
      return false
    case .failure:
      mayHaveErrors = true
      return true
    }
  }

  /// Gives the driver what was collected, and then what the error queue has.
  func deliver() {
    for index in 0..<collected {
      receiveBatch.forEachDatagram(of: index) { datagram, source in
        counters.datagramsReceived += 1
        driver.receive(datagram, from: source)
      }
      // Windows are smaller than batches: readers take what has come before more comes.
      driver.settle()
    }
    // What a peer still said before its port was closed comes first, as far as it has come.
    if mayHaveErrors, collected < ReceiveBatch.messagesMax { drainErrors() }
    collected = 0
  }

  private func drainErrors() {
    mayHaveErrors = false
    ErrorQueue.drain(descriptor) { error, peer in
      counters.networkErrors += 1
      driver.receivedNetworkError(error, from: peer)
    }
    driver.settle()
  }

  // MARK: Out

  /// Sends everything that the endpoint has to send, or as much as the socket takes.
  func flush() {
    guard isOpen else { return }
    wantsWrite = false
    while true {
      if transmitBatch.isEmpty {
        let datagrams = transmitBatch.fill(family) { driver.nextTransmit(into: $0) }
        guard datagrams > 0 else { return }
        counters.datagramsSent += UInt64(datagrams)
        counters.transmitBatches += 1
      }
      guard sendBatch() else { return }
    }
  }

  /// - Returns: false when the socket takes no more now.
  private func sendBatch() -> Bool {
    var hasRetried = false
    while !transmitBatch.isEmpty {
      if lacksSegmentation, transmitBatch.first.segmentCount > 1 {
        let first = transmitBatch.first
        finishFirst(transmitBatch.sendFirstInPieces(to: descriptor), first)
        continue
      }
      let failure = transmitBatch.send(to: descriptor)
      if failure == 0 { return true }
      if failure == EAGAIN {
        wantsWrite = true
        return false
      }
      // The error may be that of an earlier packet, which the socket reports once (with IP_RECVERR).
      if !hasRetried {
        hasRetried = true
        drainErrors()
        continue
      }
      hasRetried = false
      giveUpFirst(failure)
    }
    return true
  }

  private func giveUpFirst(_ failure: Int32) {
    let first = transmitBatch.first
    if first.segmentCount > 1, [EIO, EINVAL, EMSGSIZE, EOPNOTSUPP, ENOPROTOOPT].contains(failure) {
      // EINVAL and EMSGSIZE may come from this path's MTU alone; the others from the kernel or the card.
      if failure != EINVAL, failure != EMSGSIZE { lacksSegmentation = true }
      finishFirst(transmitBatch.sendFirstInPieces(to: descriptor), first)
    } else {
      transmitBatch.skipFirst()
      finishFirst(failure, first)
    }
  }

  private func finishFirst(_ failure: Int32, _ transmit: RxTransmit) {
    guard failure != 0 else { return }
    counters.sendErrors += 1
    if counters.sendErrors.nonzeroBitCount == 1 {
      logger.debug("sending to \(transmit.destination) failed: \(String(cString: strerror(failure)))")
    }
    // What a full queue drops is sent again by the protocol; a missing route ends the calls.
    if [ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ENETDOWN, EHOSTDOWN, EACCES, EPERM].contains(failure) {
      driver.receivedNetworkError(failure, from: transmit.destination)
      driver.settle()
    }
  }

  /// Sends the last words of a driver that was shut down, waiting a little for a full send buffer; frees the port.
  func close() {
    flushFinally()
    isOpen = false
    socket = nil
  }

  private func flushFinally() {
    for _ in 0..<10 {
      flush()
      guard wantsWrite else { return }
      var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard Glibc.poll(&poll, 1, 10) > 0 else { return }
    }
  }
}

/// What a socket has carried.
public struct RxSocketCounters: Sendable, Hashable {
  public var datagramsReceived: UInt64 = 0
  public var datagramsSent: UInt64 = 0
  /// Looks at the socket that gave datagrams.
  public var receiveBatches: UInt64 = 0
  public var transmitBatches: UInt64 = 0
  /// Errors of sendmsg(2) for which datagrams were lost.
  public var sendErrors: UInt64 = 0
  /// ICMP errors.
  public var networkErrors: UInt64 = 0
}
