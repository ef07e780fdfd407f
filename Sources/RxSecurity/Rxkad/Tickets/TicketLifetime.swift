/// The byte in which native tickets hold their lifetime (OpenAFS src/rxkad/lifetimes.h and ticket.c): up to 127 in steps
/// of five minutes, from 128 to 191 steps of about 7 percent up to 30 days, 255 for no end.
enum TicketLifetime {
  static let endless: UInt8 = 0xFF
  private static let step: Int64 = 5 * 60
  private static let firstOfTable: UInt8 = 0x80

  /// Seconds for the bytes from 128 on.
  private static let table: [Int64] = [
    38400, 41055, 43894, 46929, 50174, 53643, 57352, 61318, 65558, 70091, 74937, 80119, 85658, 91581, 97914, 104684,
    111922, 119661, 127935, 136781, 146239, 156350, 167161, 178720, 191077, 204289, 218415, 233517, 249664, 266926,
    285383, 305116, 326213, 348769, 372885, 398668, 426234, 455705, 487215, 520904, 556921, 595430, 636601, 680618,
    727680, 777995, 831789, 889303, 950794, 1_016_537, 1_086_825, 1_161_973, 1_242_318, 1_328_218, 1_420_057, 1_518_247,
    1_623_226, 1_735_464, 1_855_462, 1_983_758, 2_120_925, 2_267_576, 2_424_367, 2_592_000,
  ]

  static func end(start: Int64, byte: UInt8) -> Int64 {
    if byte == endless { return RxkadTicket.never }
    if byte < firstOfTable { return start + Int64(byte) * step }
    let index = Int(byte - firstOfTable)
    return start + (index < table.count ? table[index] : RxkadTicket.lifetimeMax)
  }

  /// The shortest lifetime that holds until `end`; nil when none does.
  static func byte(start: Int64, end: Int64) -> UInt8? {
    if end == RxkadTicket.never { return endless }
    let seconds = end - start
    guard seconds > 0, seconds <= RxkadTicket.lifetimeMax else { return nil }
    if seconds < table[0] { return UInt8((seconds + step - 1) / step) }
    return table.firstIndex { $0 >= seconds }.map { firstOfTable + UInt8($0) }
  }
}
