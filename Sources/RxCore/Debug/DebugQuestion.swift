/// What a DEBUG packet asks for (OpenAFS src/rx/rx.h, struct rx_debugIn and RX_DEBUGI_*).
enum DebugQuestion: Hashable {
  case basics
  /// The connection of this index among those with calls, or among all.
  case connection(Int, all: Bool)
  case statistics
  case peer(Int)
  /// Answered as RX_DEBUGI_BADTYPE.
  case unknown

  static let byteCount = 8
  /// OpenAFS rx.h, RX_DEBUGI_BADTYPE.
  static let badType = UInt32(bitPattern: -8)

  /// nil for a body too short for a question.
  init?(_ body: UnsafeRawBufferPointer) {
    guard body.count >= Self.byteCount else { return nil }
    let index = Int(Int32(bitPattern: body.uint32(at: 4)))
    switch body.uint32(at: 0) {
    case 1: self = .basics
    case 2: self = .connection(max(0, index), all: false)
    case 3: self = .connection(max(0, index), all: true)
    case 4: self = .statistics
    case 5: self = .peer(max(0, index))
    default: self = .unknown
    }
  }
}
