import AFSBase
import RxCore

/// One line per datagram, to look into a run that broke a rule.
enum SwarmTrace {
  private static let types = [
    "?", "data", "ack", "busy", "abort", "ackall", "challenge", "response", "debug", "params", "params", "params", "?",
    "version",
  ]
  private static let reasons = [
    "?", "requested", "duplicate", "outOfSequence", "exceedsWindow", "noSpace", "ping", "pingResponse", "delay", "idle",
  ]

  static func print(_ datagram: UnsafeRawBufferPointer, _ path: SimulatedNetwork.Path, _ now: MonotonicTime) {
    guard datagram.count >= 28 else { return Swift.print(now.nanoseconds / 1000, "short") }
    func word(_ offset: Int) -> UInt32 {
      UInt32(bigEndian: datagram.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    let type = Int(datagram[20])
    var line = "\(now.nanoseconds / 1000) us \(path.source.port) -> \(path.destination.port)"
    line += " \(type < types.count ? types[type] : "?") \(datagram.count) B cid \(String(word(4), radix: 16))"
    line += " call \(word(8)) seq \(word(12)) serial \(word(16)) flags \(datagram[21]) service \(word(24) & 0xFFFF)"
    if type == 2, datagram.count >= 46 {
      let reason = Int(datagram[44])
      let soft = datagram[46...].prefix(Int(datagram[45])).map { $0 & 1 == 1 ? "A" : "-" }.joined()
      line += " \(reason < reasons.count ? reasons[reason] : "?") of \(word(40)) first \(word(32)) \(soft)"
    }
    if type == 4, datagram.count >= 32 { line += " code \(Int32(bitPattern: word(28)))" }
    Swift.print(line)
  }
}
