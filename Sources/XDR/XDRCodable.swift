/// A value with an XDR form (RFC 4506).
package protocol XDRCodable: Hashable, Sendable {
  /// Bytes of the shortest form; a fixed-size type's only size. Never 0 for an element of an array.
  static var xdrSizeMin: Int { get }
  /// Bytes of the longest form that the interface allows.
  static var xdrSizeMax: Int { get }

  init(from decoder: inout XDRDecoder) throws(XDRError)
  func encode(to encoder: inout XDREncoder) throws(XDRError)
}

extension XDRCodable {
  /// Decodes a whole message: `bytes` hold the value and nothing more.
  package init(decoding bytes: [UInt8]) throws(XDRError) {
    var decoder = XDRDecoder(bytes)
    try self.init(from: &decoder)
    try decoder.finish()
  }

  /// The value's XDR form.
  package func encoded() throws(XDRError) -> [UInt8] {
    var encoder = XDREncoder(capacity: Self.xdrSizeMin)
    try encode(to: &encoder)
    return encoder.bytes
  }
}

/// No value: the arguments or results of a procedure that has none.
package struct XDRVoid: XDRCodable {
  package static var xdrSizeMin: Int { 0 }
  package static var xdrSizeMax: Int { 0 }
  package init() {}
  package init(from decoder: inout XDRDecoder) throws(XDRError) {}
  package func encode(to encoder: inout XDREncoder) throws(XDRError) {}
}

extension UInt32: XDRCodable {
  package static var xdrSizeMin: Int { 4 }
  package static var xdrSizeMax: Int { 4 }
  package init(from decoder: inout XDRDecoder) throws(XDRError) { self = try decoder.uint32("element") }
  package func encode(to encoder: inout XDREncoder) throws(XDRError) { encoder.uint32(self) }
}

extension Int32: XDRCodable {
  package static var xdrSizeMin: Int { 4 }
  package static var xdrSizeMax: Int { 4 }
  package init(from decoder: inout XDRDecoder) throws(XDRError) { self = try decoder.int32("element") }
  package func encode(to encoder: inout XDREncoder) throws(XDRError) { encoder.int32(self) }
}

extension UInt64: XDRCodable {
  package static var xdrSizeMin: Int { 8 }
  package static var xdrSizeMax: Int { 8 }
  package init(from decoder: inout XDRDecoder) throws(XDRError) { self = try decoder.uint64("element") }
  package func encode(to encoder: inout XDREncoder) throws(XDRError) { encoder.uint64(self) }
}

extension Int64: XDRCodable {
  package static var xdrSizeMin: Int { 8 }
  package static var xdrSizeMax: Int { 8 }
  package init(from decoder: inout XDRDecoder) throws(XDRError) { self = try decoder.int64("element") }
  package func encode(to encoder: inout XDREncoder) throws(XDRError) { encoder.int64(self) }
}
