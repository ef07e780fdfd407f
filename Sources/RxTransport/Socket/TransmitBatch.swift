import CLinuxShims
import Glibc
import RxCore

/// Memory and arguments of one sendmmsg(2). A message may be many datagrams of equal size for one peer, which the
/// kernel (or the network card) cuts apart (UDP_SEGMENT).
final class TransmitBatch {
  static let messagesMax = 64
  /// What the endpoint wants for one transmit.
  private static let transmitBytes = 65536
  private static let arenaBytes = 4 * transmitBytes
  private static let controlBytes = 24

  private let arena: UnsafeMutableRawPointer
  private let control: UnsafeMutableRawPointer
  private let names: UnsafeMutablePointer<sockaddr_in6>
  private let vectors: UnsafeMutablePointer<iovec>
  private let headers: UnsafeMutablePointer<afsfuse_message>
  private var transmits: [RxTransmit] = []
  private var arenaUsed = 0
  /// Messages of the batch that have been sent, or given up.
  private var sent = 0

  init() {
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

  /// Fills the batch, once it is empty, from what `next` puts into the memory that it is given.
  /// - Returns: datagrams taken.
  func fill(_ family: SocketFamily, from next: (UnsafeMutableRawBufferPointer) -> RxTransmit?) -> Int {
    assert(isEmpty)
    transmits.removeAll(keepingCapacity: true)
    (arenaUsed, sent) = (0, 0)
    var datagrams = 0
    while transmits.count < Self.messagesMax, arenaUsed + Self.transmitBytes <= Self.arenaBytes {
      let place = UnsafeMutableRawBufferPointer(start: arena + arenaUsed, count: Self.transmitBytes)
      guard let transmit = next(place) else { break }
      add(transmit, at: place.baseAddress!, family)
      arenaUsed += (transmit.byteCount + 15) & ~15
      datagrams += transmit.segmentCount
    }
    return datagrams
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
    if transmit.segmentCount > 1 {
      let place = control + index * Self.controlBytes
      ControlMessage.store(
        level: Int32(IPPROTO_UDP), type: UDP_SEGMENT, UInt16(transmit.segmentSize), to: place)
      header.msg_control = place
      header.msg_controllen = Self.controlBytes
    }
    headers[index].msg_hdr = header
  }

  /// Sends on from the first unsent message.
  /// - Returns: 0 when all were sent, else the errno that the first unsent one got.
  func send(to descriptor: CInt) -> Int32 {
    while !isEmpty {
      let count = afsfuse_send_messages(descriptor, headers + sent, UInt32(transmits.count - sent))
      if count >= 0 {
        sent += Int(count)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }

  /// The first unsent message is given up.
  func skipFirst() { sent += 1 }

  /// Sends the datagrams of the first unsent message one by one, and is done with it.
  /// - Returns: 0, or the errno of the first that could not be sent.
  func sendFirstInPieces(to descriptor: CInt) -> Int32 {
    defer { sent += 1 }
    var header = headers[sent].msg_hdr
    header.msg_control = nil
    header.msg_controllen = 0
    let whole = vectors[sent]
    var failure: Int32 = 0
    for offset in stride(from: 0, to: whole.iov_len, by: transmits[sent].segmentSize) {
      var piece = iovec(
        iov_base: whole.iov_base + offset, iov_len: min(transmits[sent].segmentSize, whole.iov_len - offset))
      let result = withUnsafeMutablePointer(to: &piece) { piece in
        header.msg_iov = piece
        return sendmsg(descriptor, &header, CInt(MSG_DONTWAIT)) < 0 ? errno : 0
      }
      if result != 0, failure == 0 { failure = result }
    }
    return failure
  }
}

extension RxTransmit {
  /// How many datagrams it is.
  var segmentCount: Int { segmentSize > 0 ? (byteCount + segmentSize - 1) / segmentSize : 1 }
}
