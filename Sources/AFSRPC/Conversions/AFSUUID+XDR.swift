package import AFSBase
package import XDR

/// The DCE form of a UUID, each of its eleven fields in a word of its own (OpenAFS src/rx/xdr_afsuuid.c): time_low
/// in 32 bits, time_mid and time_hi in 16, then eight bytes, sign-extended by senders where `char` is signed.
extension AFSUUID: XDRCodable {
  package static var xdrSizeMin: Int { 44 }
  package static var xdrSizeMax: Int { 44 }

  package init(from decoder: inout XDRDecoder) throws(XDRError) {
    let timeLow = UInt64(try decoder.uint32("time_low"))
    let timeMid = UInt64(try decoder.uint16("time_mid"))
    let timeHigh = UInt64(try decoder.uint16("time_hi_and_version"))
    var low: UInt64 = 0
    for _ in 0..<8 { low = low << 8 | UInt64(try decoder.char("clock_seq and node")) }
    self.init(high: timeLow << 32 | timeMid << 16 | timeHigh, low: low)
  }

  package func encode(to encoder: inout XDREncoder) throws(XDRError) {
    encoder.uint32(UInt32(truncatingIfNeeded: high >> 32))
    encoder.uint16(UInt16(truncatingIfNeeded: high >> 16))
    encoder.uint16(UInt16(truncatingIfNeeded: high))
    for shift in [56, 48, 40, 32, 24, 16, 8, 0] as [UInt64] {
      encoder.char(UInt8(truncatingIfNeeded: low >> shift))
    }
  }
}
