import AFSBase
import CLinuxShims
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
  private let transmitBatch: TransmitBatch
  /// Whether the socket may have something: after a wake-up, and as long as looks at it gave something.
  private var mayBeReadable = true
  /// The error queue may have something.
  private var mayHaveErrors = false
  /// Messages of the receive batch that have not been delivered.
  private var collected = 0
  /// The socket's send buffer was full: wake up when there is room.
  private(set) var wantsWrite = false
  /// The interface's queue was full: when sending is tried again, and how often it has been.
  private(set) var retryAt: MonotonicTime?
  private var retries = 0
  /// Peers to whom the kernel sends no bursts (no checksum offload on the way, IPsec, an old kernel).
  private var burstless: Set<RxAddress> = []
  /// Whether the socket lets routers fragment what it sends, as the last message wanted.
  private var mayFragment = false
  /// The other lanes of the port; nil if there are none, and after the end.
  private var exchange: LaneExchange?
  private var lane = 0
  private(set) var counters = RxSocketCounters()

  /// ENOBUFS: how long a full interface queue is given, and how often.
  private static let retryInterval: Duration = .milliseconds(1)
  private static let retriesMax = 50
  private static let burstlessMax = 256

  init(
    driver: RxEndpointDriver, socket: consuming UDPSocket, logger: Logger,
    sender: @escaping MessageSender = { afsfuse_send_messages($0, $1, $2) }
  ) {
    self.driver = driver
    transmitBatch = TransmitBatch(sender: sender)
    descriptor = socket.descriptor
    family = socket.family
    self.socket = consume socket
    self.logger = logger
    driver.securityRefused = { refusal in
      logger.warning("\(refusal.peer) is refused with \(refusal.code): \(refusal.reason)")
    }
  }

  func join(_ exchange: LaneExchange, as lane: Int) {
    self.exchange = exchange
    self.lane = lane
    driver.debugInquiryGoesOn = { [weak self] inquiry in self?.exchange?.send(inquiry) }
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
    return look()
  }

  /// Looks at the socket although nothing was announced.
  /// - Returns: whether there was anything.
  func look() -> Bool {
    guard isOpen, collected == 0 else { return collected > 0 }
    switch receiveBatch.receive(from: descriptor) {
    case .messages(let count):
      counters.receiveBatches += 1
      collected = count
      mayBeReadable = true
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
    var parcels: [Int: LaneExchange.Parcel] = [:]
    for index in 0..<collected {
      receiveBatch.forEachDatagram(of: index) { datagram, source in
        counters.datagramsReceived += 1
        if let exchange, let other = RxLane.index(of: datagram, among: exchange.lanes.count), other != lane {
          parcels[other, default: LaneExchange.Parcel()].add(datagram, from: source)
        } else {
          driver.receive(datagram, from: source)
        }
      }
      // Windows are smaller than batches: readers take what has come before more comes.
      driver.settle()
    }
    forward(parcels)
    // What a peer still said before its port was closed comes first, as far as it has come.
    if mayHaveErrors, collected < ReceiveBatch.messagesMax { drainErrors() }
    collected = 0
  }

  private func forward(_ parcels: [Int: LaneExchange.Parcel]) {
    guard let exchange else { return }
    for (other, parcel) in parcels {
      if exchange.send(parcel, to: other) {
        counters.datagramsForwarded += UInt64(parcel.count)
      } else {
        counters.forwardDrops += UInt64(parcel.count)
      }
    }
  }

  /// Datagrams of ours that came to another lane.
  func receive(_ parcel: LaneExchange.Parcel) {
    guard isOpen else { return }
    parcel.forEach { datagram, source in driver.receive(datagram, from: source) }
    driver.settle()
  }

  /// A question of `rxdebug` that another lane passed on.
  func receive(_ inquiry: RxDebugInquiry) {
    guard isOpen else { return }
    driver.receive(inquiry)
    driver.settle()
  }

  private func drainErrors() {
    mayHaveErrors = false
    ErrorQueue.drain(descriptor) { error, quote in
      counters.networkErrors += 1
      received(error, quoting: quote)
      exchange?.send(error, quoting: quote, except: lane)
    }
  }

  /// An error from the socket's queue, or that of another lane.
  func received(_ error: NetworkError, quoting packet: UnsafeRawBufferPointer) {
    guard isOpen else { return }
    if error.errno == EMSGSIZE {
      if error.mtu > 0 { driver.receivedPathMTU(error.mtu, from: error.peer, quoting: packet) }
    } else {
      driver.receivedNetworkError(error.errno, from: error.peer, quoting: packet)
    }
    driver.settle()
  }

  // MARK: Out

  /// Sends everything that the endpoint has to send, or as much as the socket takes.
  func flush() {
    guard isOpen, !mustWait() else { return }
    wantsWrite = false
    while true {
      if transmitBatch.isEmpty {
        let datagrams = transmitBatch.fill(family) { nextSendable(into: $0) }
        guard datagrams > 0 else { return }
        counters.datagramsSent += UInt64(datagrams)
        counters.transmitBatches += 1
      }
      guard sendBatch() else { return }
    }
  }

  /// On a host without IPv6 its addresses are out of reach.
  private func nextSendable(into buffer: UnsafeMutableRawBufferPointer) -> RxTransmit? {
    while let transmit = driver.nextTransmit(into: buffer) {
      if family == .dual || transmit.destination.ipv4 != nil { return transmit }
      noteLoss(EAFNOSUPPORT, transmit)
    }
    return nil
  }

  private func mustWait() -> Bool {
    guard let retryAt else { return false }
    if retryAt > SystemClock.monotonic { return true }
    self.retryAt = nil
    return false
  }

  /// - Returns: false when the socket takes no more now.
  private func sendBatch() -> Bool {
    var hasRetried = false
    while !transmitBatch.isEmpty {
      let failure = sendSome()
      switch failure {
      case 0:
        retries = 0
      case EAGAIN:
        wantsWrite = true
        return false
      case ENOBUFS where retries < Self.retriesMax, ENOMEM where retries < Self.retriesMax:
        retries += 1
        retryAt = SystemClock.monotonic + Self.retryInterval
        return false
      default:
        // The error may be that of an earlier packet, which the socket reports once (with IP_RECVERR).
        if hasRetried { giveUpFirst(failure) } else { drainErrors() }
        hasRetried.toggle()
      }
    }
    return true
  }

  private func sendSome() -> Int32 {
    let first = transmitBatch.first
    if first.mayFragment != mayFragment {
      mayFragment = first.mayFragment
      UDPSocket.setFragmentation(mayFragment, of: descriptor, family)
    }
    if isFirstSplit {
      return transmitBatch.sendFirstInPieces(to: descriptor)
    }
    return transmitBatch.send(to: descriptor)
  }

  /// The first message's datagrams are sent one by one.
  private var isFirstSplit: Bool {
    let first = transmitBatch.first
    return first.segmentCount > 1 && (transmitBatch.mustSplitFirst || burstless.contains(first.destination))
  }

  private func giveUpFirst(_ failure: Int32) {
    let first = transmitBatch.first
    retries = 0
    if first.segmentCount > 1, !isFirstSplit, [EIO, EINVAL, EMSGSIZE, EOPNOTSUPP, ENOPROTOOPT].contains(failure) {
      // EINVAL and EMSGSIZE come of datagrams that are longer than the interface's; the others from kernel or card.
      transmitBatch.mustSplitFirst = true
      if failure != EINVAL, failure != EMSGSIZE { noteBurstless(first.destination) }
      return
    }
    if isFirstSplit {
      transmitBatch.skipPiece()
    } else {
      transmitBatch.skipFirst()
    }
    noteLoss(failure, first)
  }

  private func noteBurstless(_ peer: RxAddress) {
    if burstless.count >= Self.burstlessMax { burstless = [] }
    burstless.insert(peer)
  }

  private func noteLoss(_ failure: Int32, _ transmit: RxTransmit) {
    counters.sendErrors += 1
    if counters.sendErrors.nonzeroBitCount == 1 {
      logger.debug("sending to \(transmit.destination) failed: \(String(cString: strerror(failure)))")
    }
    // What a full queue drops is sent again by the protocol; a missing route ends the calls.
    if [ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ENETDOWN, EHOSTDOWN, EACCES, EPERM, EAFNOSUPPORT, EINVAL]
      .contains(failure)
    {
      driver.receivedNetworkError(failure, from: transmit.destination)
      driver.settle()
    }
  }

  /// Sends the last words of a driver that was shut down, waiting a little for a full send buffer; frees the port.
  func close() {
    flushFinally()
    isOpen = false
    socket = nil
    exchange = nil
  }

  private func flushFinally() {
    for _ in 0..<10 {
      flush()
      guard wantsWrite || retryAt != nil else { return }
      var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      if retryAt != nil {
        _ = Glibc.poll(nil, 0, 1)
      } else if Glibc.poll(&poll, 1, 10) <= 0 {
        return
      }
    }
  }
}
