import CLinuxShims
import Glibc
import RxCore

/// sendmmsg(2) without waiting: how many messages were sent, or -1 and errno. Tests put a kernel that refuses in its place.
typealias MessageSender = (CInt, UnsafeMutablePointer<afsfuse_message>, UInt32) -> CInt

/// Memory and arguments of one sendmmsg(2). A message may be many datagrams of equal size for one peer, which the
/// kernel (or the network card) cuts apart (UDP_SEGMENT): those of one call, and also small ones of several calls.
final class TransmitBatch {
  static let messagesMax = 64
  /// What the endpoint wants for one transmit.
  private static let transmitBytes = 65536
  private static let arenaBytes = 4 * transmitBytes
  private static let controlBytes = 24
  /// Bytes of one message: 65535 less the headers of IPv6 and UDP.
  private static let messageBytes = 65535 - 48
  /// Datagrams of one message (linux/udp.h, UDP_MAX_SEGMENTS before Linux 6.9).
  private static let segmentsMax = 64

  private let arena: UnsafeMutableRawPointer
  private let control: UnsafeMutableRawPointer
  private let names: UnsafeMutablePointer<sockaddr_in6>
  private let vectors: UnsafeMutablePointer<iovec>
  private let headers: UnsafeMutablePointer<afsfuse_message>
  private let sender: MessageSender
  private var pieces: PieceMessages
  private var transmits: [RxTransmit] = []
  private var arenaUsed = 0
  /// Messages of the batch that have been sent, or given up.
  private var sent = 0
  /// Bytes of the first unsent message that have been sent in pieces, or given up.
  private var firstDone = 0

  init(sender: @escaping MessageSender = { afsfuse_send_messages($0, $1, $2) }) {
    self.sender = sender
    pieces = PieceMessages(sender: sender)
    let count = Self.messagesMax
    arena = .allocate(byteCount: Self.arenaBytes, alignment: 4096)
    control = .allocate(byteCount: count * Self.controlBytes, alignment: 8)
    names = .allocate(capacity: count)
    names.initialize(repeating: sockaddr_in6(), count: count)
    vectors = .allocate(capacity: count)
    vectors.initialize(repeating: iovec(), count: count)
    headers = .allocate(capacity: count)
    headers.initialize(repeating: afsfuse_message(), count: count)
    transmits.reserveCapacity(count)
  }

  deinit {
    arena.deallocate()
    control.deallocate()
    names.deallocate()
    vectors.deallocate()
    headers.deallocate()
  }

  var isEmpty: Bool { sent == transmits.count }

  /// The first message that was not sent.
  var first: RxTransmit { transmits[sent] }

  /// Its sending in pieces has begun.
  var isFirstBegun: Bool { firstDone > 0 }

  /// It must be sent in pieces.
  var mustSplitFirst = false

  // MARK: Filling

  /// Fills the batch, once it is empty, from what `next` puts into the memory that it is given.
  /// - Returns: datagrams taken.
  func fill(_ family: SocketFamily, from next: (UnsafeMutableRawBufferPointer) -> RxTransmit?) -> Int {
    assert(isEmpty)
    transmits.removeAll(keepingCapacity: true)
    (arenaUsed, sent, firstDone) = (0, 0, 0)
    mustSplitFirst = false
    var datagrams = 0
    while transmits.count < Self.messagesMax, arenaUsed + Self.transmitBytes <= Self.arenaBytes {
      let place = UnsafeMutableRawBufferPointer(start: arena + arenaUsed, count: Self.transmitBytes)
      guard let transmit = next(place) else { break }
      if !joinLast(transmit) { add(transmit, at: place.baseAddress!, family) }
      arenaUsed += transmit.byteCount
      datagrams += transmit.segmentCount
    }
    return datagrams
  }

  /// Lets the last message go on with datagrams of the same size to the same peer, which lie right behind it.
  ///
  /// Of one connection only: a peer with several queues for its port, as we may be, finds the queue of what comes
  /// joined by its first datagram.
  private func joinLast(_ transmit: RxTransmit) -> Bool {
    guard let last = transmits.last, last.destination == transmit.destination,
      last.mayFragment == transmit.mayFragment,
      last.byteCount % last.segmentSize == 0, transmit.segmentSize <= last.segmentSize,
      transmit.segmentCount == 1 || transmit.segmentSize == last.segmentSize,
      last.segmentCount + transmit.segmentCount <= Self.segmentsMax,
      last.byteCount + transmit.byteCount <= Self.messageBytes
    else { return false }
    let index = transmits.count - 1
    let start = arena + arenaUsed
    guard Self.connection(at: start) == Self.connection(at: start - last.byteCount) else { return false }
    transmits[index].byteCount += transmit.byteCount
    vectors[index].iov_len = transmits[index].byteCount
    segment(index)
    return true
  }

  /// Epoch and connection id, without the channel, of the packet there.
  private static func connection(at packet: UnsafeMutableRawPointer) -> UInt64 {
    UInt64(bigEndian: packet.loadUnaligned(as: UInt64.self)) >> 2
  }

  private func add(_ transmit: RxTransmit, at place: UnsafeMutableRawPointer, _ family: SocketFamily) {
    let index = transmits.count
    transmits.append(transmit)
    vectors[index] = iovec(iov_base: place, iov_len: transmit.byteCount)
    var header = msghdr()
    header.msg_name = UnsafeMutableRawPointer(names + index)
    header.msg_namelen = SocketAddress.store(transmit.destination, to: header.msg_name, family)
    header.msg_iov = vectors + index
    header.msg_iovlen = 1
    headers[index].msg_hdr = header
    if transmit.segmentCount > 1 { segment(index) }
  }

  /// Asks the kernel to cut a message into its datagrams.
  private func segment(_ index: Int) {
    let place = control + index * Self.controlBytes
    ControlMessage.store(
      level: Int32(IPPROTO_UDP), type: UDP_SEGMENT, UInt16(transmits[index].segmentSize), to: place)
    headers[index].msg_hdr.msg_control = place
    headers[index].msg_hdr.msg_controllen = Self.controlBytes
  }

  // MARK: Sending

  /// Sends on from the first unsent message, up to the first that differs from it in whether it may be fragmented.
  /// - Returns: 0 when all those were sent, else the errno that the first unsent one got.
  func send(to descriptor: CInt) -> Int32 {
    assert(!isFirstBegun && !isEmpty)
    let mode = first.mayFragment
    let end = transmits[sent...].firstIndex { $0.mayFragment != mode } ?? transmits.count
    while sent < end {
      let count = sender(descriptor, headers + sent, UInt32(end - sent))
      if count >= 0 {
        sent += Int(count)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }

  /// The first unsent message is given up; what was sent of it in pieces stays sent.
  func skipFirst() {
    sent += 1
    firstDone = 0
    mustSplitFirst = false
  }

  /// Sends the datagrams of the first unsent message one by one, and is done with it.
  /// - Returns: 0, or the errno of the first datagram that could not be sent; it and its successors are still to be
  ///   sent.
  func sendFirstInPieces(to descriptor: CInt) -> Int32 {
    while firstDone < first.byteCount {
      let count = pieces.send(headers[sent].msg_hdr, vectors[sent], from: firstDone, first.segmentSize, to: descriptor)
      guard count > 0 else { return -Int32(count) }
      firstDone = min(firstDone + count * first.segmentSize, first.byteCount)
    }
    skipFirst()
    return 0
  }

  /// The next datagram of a message that is sent in pieces is given up.
  func skipPiece() {
    firstDone += first.segmentSize
    if firstDone >= first.byteCount { skipFirst() }
  }
}

extension RxTransmit {
  /// How many datagrams it is.
  var segmentCount: Int { segmentSize > 0 ? (byteCount + segmentSize - 1) / segmentSize : 1 }
}
