import AFSBase
import RxCore

/// The blocks of a pcapng file (draft-ietf-opsawg-pcapng) with datagrams as raw IP packets (LINKTYPE_RAW, 101), in this
/// machine's byte order. Bytes only, no file.
enum PcapngWriter {
  /// How many bytes at the start of `blocks` are whole blocks that together have at most `limit`.
  static func blocksByteCount(_ blocks: ArraySlice<UInt8>, atMost limit: Int) -> Int {
    blocks.withUnsafeBytes { bytes in
      var count = 0
      while count + 8 <= bytes.count {
        let length = Int(bytes.loadUnaligned(fromByteOffset: count + 4, as: UInt32.self))
        guard count + length <= min(limit, bytes.count) else { break }
        count += length
      }
      return count
    }
  }

  /// A section header and one interface with time stamps in nanoseconds.
  static func appendStart(to out: inout [UInt8]) {
    // Section header block: byte order magic, version 1.0, section length unknown.
    append(block: 0x0A0D_0D0A, to: &out) { out in
      out.append(0x1A2B_3C4D as UInt32)
      out.append(1 as UInt16)
      out.append(0 as UInt16)
      out.append(UInt64.max)
    }
    // Interface description block: link type, no snap length; option if_tsresol (9): 10^-9 s.
    append(block: 1, to: &out) { out in
      out.append(101 as UInt16)
      out.append(0 as UInt16)
      out.append(0 as UInt32)
      out.append(9 as UInt16)
      out.append(1 as UInt16)
      out.append(contentsOf: [9, 0, 0, 0])
      out.append(0 as UInt32)
    }
  }

  /// An enhanced packet block: IP and UDP headers made up around `datagram`.
  /// - Parameter shown: how many of its bytes are as they are; zeros stand for the others.
  static func appendPacket(
    _ datagram: UnsafeRawBufferPointer, shown: Int, from source: RxAddress, to destination: RxAddress, isOutgoing: Bool,
    at time: WallTime, to out: inout [UInt8]
  ) {
    let isIPv4 = source.ipv4 != nil && destination.ipv4 != nil
    let length = datagram.count + 8 + (isIPv4 ? 20 : 40)
    let stamp = UInt64(bitPattern: time.seconds) &* 1_000_000_000 &+ UInt64(time.nanoseconds)
    append(block: 6, to: &out) { out in
      out.append(0 as UInt32)
      out.append(UInt32(truncatingIfNeeded: stamp >> 32))
      out.append(UInt32(truncatingIfNeeded: stamp))
      out.append(UInt32(length))
      out.append(UInt32(length))
      if isIPv4 {
        appendIPv4(source, destination, length: length, to: &out)
      } else {
        appendIPv6(source, destination, length: datagram.count + 8, to: &out)
      }
      out.append(source.port.bigEndian)
      out.append(destination.port.bigEndian)
      out.append(UInt16(truncatingIfNeeded: datagram.count + 8).bigEndian)
      out.append(0 as UInt16)  // no checksum
      out.append(contentsOf: datagram.prefix(shown))
      out.append(contentsOf: repeatElement(0, count: datagram.count - shown + (-length & 3)))
      // Option epb_flags (2): 1 inbound, 2 outbound.
      out.append(2 as UInt16)
      out.append(4 as UInt16)
      out.append(isOutgoing ? 2 : 1 as UInt32)
      out.append(0 as UInt32)
    }
  }

  /// RFC 791: no options, time to live 64, protocol 17.
  private static func appendIPv4(_ source: RxAddress, _ destination: RxAddress, length: Int, to out: inout [UInt8]) {
    let start = out.count
    out.append(contentsOf: [0x45, 0])
    out.append(UInt16(truncatingIfNeeded: length).bigEndian)
    out.append(contentsOf: [0, 0, 0x40, 0, 64, 17, 0, 0])
    out.append((source.ipv4 ?? 0).bigEndian)
    out.append((destination.ipv4 ?? 0).bigEndian)
    var sum: UInt32 = 0
    for offset in stride(from: start, to: start + 20, by: 2) {
      sum += UInt32(out[offset]) << 8 | UInt32(out[offset + 1])
    }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    out[start + 10] = UInt8(~sum >> 8 & 0xFF)
    out[start + 11] = UInt8(~sum & 0xFF)
  }

  /// RFC 8200: next header 17, hop limit 64.
  private static func appendIPv6(_ source: RxAddress, _ destination: RxAddress, length: Int, to out: inout [UInt8]) {
    out.append(contentsOf: [0x60, 0, 0, 0])
    out.append(UInt16(truncatingIfNeeded: length).bigEndian)
    out.append(contentsOf: [17, 64])
    for address in [source, destination] {
      out.append(address.high.bigEndian)
      out.append(address.low.bigEndian)
    }
  }

  /// Type, length, body (padded by the caller to four bytes), length.
  private static func append(block type: UInt32, to out: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
    let start = out.count
    out.append(type)
    out.append(0 as UInt32)
    body(&out)
    let length = UInt32(out.count - start + 4)
    out.append(length)
    withUnsafeBytes(of: length) { out.replaceSubrange((start + 4)..<(start + 8), with: $0) }
  }
}

extension [UInt8] {
  /// In this machine's byte order.
  fileprivate mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    Swift.withUnsafeBytes(of: number) { append(contentsOf: $0) }
  }
}
