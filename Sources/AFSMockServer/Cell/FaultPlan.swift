public import AFSTypes

/// What goes wrong on purpose: rules which are asked at each call, first match first.
public struct FaultPlan: Sendable, Hashable {
  /// What happens to a call.
  public enum Fault: Sendable, Hashable {
    /// The call is never answered: the handler waits for the given time, then aborts.
    case hang(Duration)
    /// The call is served after a pause.
    case delay(Duration)
    /// The call has its effect at once, and its answer is held back: what happens meanwhile crosses it.
    case delayReply(Duration)
    /// The call is aborted before it has had an effect.
    case abort(AbortCode)
    /// The call has its effect, and then is aborted: the client cannot know.
    case abortAfterwards(AbortCode)
    /// A directory or file fetch sends this many bytes, then ends as if it were all.
    case truncateData(UInt64)
    /// A file fetch sends this many of the bytes that it has announced, then aborts.
    case breakOff(after: UInt64, AbortCode)
    /// A directory or file fetch sends data in which every byte from this offset on is inverted.
    case corruptData(from: UInt64)
  }

  /// Which calls a fault strikes.
  public struct Rule: Sendable, Hashable {
    /// The operation's name in the protocol (`FetchStatus`, `StoreData64`, `GetEntryByNameU`); nil for all.
    public var operation: String?
    /// The server's number in its cell; nil for all.
    public var server: Int?
    public var volume: VolumeID?
    /// Matching calls that pass unharmed first: 2 strikes the third.
    public var skip: Int
    /// How many calls are struck; nil for all that follow.
    public var times: Int?
    public var fault: Fault

    public init(
      operation: String? = nil, server: Int? = nil, volume: VolumeID? = nil, skip: Int = 0, times: Int? = 1,
      fault: Fault
    ) {
      self.operation = operation
      self.server = server
      self.volume = volume
      self.skip = skip
      self.times = times
      self.fault = fault
    }

    func matches(operation name: String, server number: Int, volume id: VolumeID?) -> Bool {
      (operation == nil || operation == name) && (server == nil || server == number)
        && (volume == nil || volume == id)
    }
  }

  public private(set) var rules: [Rule] = []

  public init() {}

  public mutating func add(_ rule: Rule) {
    rules.append(rule)
  }

  public mutating func clear() {
    rules = []
  }

  /// What strikes this call, and counts it.
  mutating func fault(operation: String, server: Int, volume: VolumeID?) -> Fault? {
    for index in rules.indices where rules[index].matches(operation: operation, server: server, volume: volume) {
      if rules[index].skip > 0 {
        rules[index].skip -= 1
        continue
      }
      switch rules[index].times {
      case .none: return rules[index].fault
      case .some(0): continue
      case .some(let times):
        rules[index].times = times - 1
        return rules[index].fault
      }
    }
    return nil
  }
}
