public import AFSBase
import Glibc
public import RxCore
public import RxTransport
import Synchronization

/// Hosts, a network between them and all their asynchronous code on one thread and in virtual time, in an order that
/// depends on nothing but the seed.
///
/// ```swift
/// let simulator = Simulator(seed: 7)
/// let server = simulator.host("server")
/// server.register(EchoService())
/// let client = simulator.host("client")
/// let reply = try simulator.run {
///   try await client.roundTrip([1, 2, 3], to: server.target(ServiceID(9)), options: .init(), replyMax: 100)
/// }
/// ```
///
/// Code under test may use task groups, `async let` and default actors; all of it stays on the simulation's thread. A
/// bare `Task { }` leaves it: `Task(executorPreference: simulator)` does not. Time passes only when nothing can run.
public final class Simulator: TaskExecutor {
  /// Limits of one run.
  public struct Limits: Sendable {
    /// Virtual time.
    public var time: Duration = .seconds(24 * 3600)
    /// Turns: jobs run, and steps of time.
    public var steps = 50_000_000

    public init(time: Duration = .seconds(24 * 3600), steps: Int = 50_000_000) {
      self.time = time
      self.steps = steps
    }
  }

  /// Work that has been handed in and has not run.
  private enum Item {
    case job(UnownedJob)
    case closure(@Sendable () -> Void)
  }

  /// What only the simulation's thread touches while it runs.
  private final class State {
    var now = MonotonicTime.zero
    var items: [Item] = []
    var running: [Item] = []
    var hosts: [SimulatorHost.State] = []
    var hostOfAddress: [RxAddress: SimulatorHost.State] = [:]
    var inFlight = DatagramsInFlight()
    var paths: PathModel
    var trace = SimulationTrace()
    var generator: SeededGenerator
    var wallStart = WallTime(seconds: 1_700_000_000)
    var steps = 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)

    init(seed: UInt64) {
      generator = SeededGenerator(seed: seed)
      paths = PathModel(conditions: NetworkConditions(), seed: generator.next())
    }

    deinit { buffer.deallocate() }
  }

  public let seed: UInt64
  package let sleepers = LoopBound(SleepQueue())
  private let state: LoopBound<State>
  /// The thread that is in `run`; 0 for none.
  private let thread = Atomic<UInt>(0)
  /// Work of other threads: rightly so before the first `run`, and a mistake in one.
  private let foreign = Mutex<[Item]>([])

  public init(seed: UInt64) {
    self.seed = seed
    state = LoopBound(State(seed: seed))
  }

  // MARK: World

  /// A new host; its address is 10.0.0.1, 10.0.0.2 and so on.
  public func host(
    _ name: String, port: UInt16 = 7001, configuration: RxEndpointConfiguration = RxEndpointConfiguration()
  ) -> SimulatorHost {
    let number = UInt32(state.value.hosts.count + 1)
    return host(name, at: RxAddress(ipv4: 0x0A00_0000 + number, port: port), configuration: configuration)
  }

  public func host(
    _ name: String, at address: RxAddress, configuration: RxEndpointConfiguration = RxEndpointConfiguration()
  ) -> SimulatorHost {
    precondition(state.value.hostOfAddress[address] == nil, "\(address) is taken")
    let host = SimulatorHost.State(
      name, at: address, driver: makeDriver(configuration), configuration: configuration)
    state.value.hosts.append(host)
    state.value.hostOfAddress[address] = host
    return SimulatorHost(of: self, host)
  }

  func makeDriver(_ configuration: RxEndpointConfiguration) -> RxEndpointDriver {
    let key = RandomKey(seed: state.value.generator.next())
    return RxEndpointDriver(loop: self, configuration: configuration, key: key, now: state.value.now)
  }

  /// What happens on all paths that have no conditions of their own.
  public func setConditions(_ conditions: NetworkConditions) {
    perform { [state] in state.value.paths.conditions = conditions }
  }

  /// What happens on the path from one host to another; the way back is another path.
  public func setConditions(
    _ conditions: NetworkConditions, from source: SimulatorHost, to destination: SimulatorHost
  ) {
    let path = SimulatedNetwork.Path(from: source.address, to: destination.address)
    perform { [state] in state.value.paths.paths[path] = conditions }
  }

  /// What has been sent so far.
  public var trace: SimulationTrace { state.value.trace }

  /// Virtual time as asynchronous code sees it.
  public var timer: any RxTimer { LoopTimer(self) }

  // MARK: Run

  /// Runs `body`, and everything it starts, until it has ended. Tasks that go on are carried on by the next run.
  public func run<Value: Sendable>(
    limits: Limits = Limits(), _ body: @escaping @Sendable () async throws -> Value
  ) throws -> Value {
    precondition(thread.load(ordering: .relaxed) == 0, "the simulation runs already")
    thread.store(pthread_self(), ordering: .relaxed)
    defer { thread.store(0, ordering: .relaxed) }
    let state = state.value
    foreign.withLock { items in
      state.items.append(contentsOf: items)
      items = []
    }
    let result = LoopBound(Outcome<Value>())
    let task = Task(executorPreference: self) {
      do { result.value.result = .success(try await body()) } catch { result.value.result = .failure(error) }
    }
    do {
      try drive(limits) { result.value.result != nil }
    } catch {
      abandon(task)
      throw error
    }
    endIdleTasks()
    return try result.value.result!.get()
  }

  /// A task keeps its executor: those in which services wait for calls would keep the simulation.
  private func endIdleTasks() {
    for host in state.value.hosts { host.driver.endIdleTasks() }
    runTurn()
  }

  private final class Outcome<Value> {
    var result: Result<Value, any Error>?
  }

  private func drive(_ limits: Limits, until isDone: () -> Bool) throws(SimulationFailure) {
    let state = state.value
    let end = state.now + limits.time
    let lastStep = state.steps + limits.steps
    while true {
      runTurn()
      if isDone() { return }
      if !foreign.withLock({ $0.isEmpty }) { throw .escaped(summary) }
      if state.steps > lastStep { throw .tooManySteps(summary) }
      guard let next = nextTime else { throw .deadlock(summary) }
      if next > end { throw .tooLate(summary) }
      advance(to: max(next, state.now))
    }
  }

  /// Ends what a failed run has left, so that no task waits for ever: its calls fail, its sleeps end.
  private func abandon(_ task: Task<Void, Never>) {
    task.cancel()
    for host in state.value.hosts { host.driver.shutDown() }
    runTurn()
  }

  /// Runs jobs, and sends what they make the hosts send, until nothing is left to do at this time.
  private func runTurn() {
    let state = state.value
    repeat {
      swap(&state.items, &state.running)
      let executor = asUnownedTaskExecutor()
      for item in state.running {
        state.steps += 1
        switch item {
        case .job(let job): job.runSynchronously(on: executor)
        case .closure(let work): work()
        }
      }
      state.running.removeAll(keepingCapacity: true)
      for host in state.hosts {
        host.driver.settle()
        send(from: host)
      }
    } while !state.items.isEmpty
  }

  private func send(from host: SimulatorHost.State) {
    let state = state.value
    while let transmit = host.driver.nextTransmit(into: state.buffer) {
      guard !host.isDown else { continue }
      for offset in stride(from: 0, to: transmit.byteCount, by: max(1, transmit.segmentSize)) {
        let end = min(offset + transmit.segmentSize, transmit.byteCount)
        let datagram = UnsafeRawBufferPointer(rebasing: state.buffer[offset..<end])
        transport(datagram, from: host.address, to: transmit.destination)
      }
    }
  }

  private func transport(_ datagram: UnsafeRawBufferPointer, from source: RxAddress, to destination: RxAddress) {
    let state = state.value
    let path = SimulatedNetwork.Path(from: source, to: destination)
    let fate = state.paths.fate(of: datagram.count, on: path, now: state.now)
    let isListening = state.hostOfAddress[destination] != nil
    state.trace.record(state.now, path, datagram, SimulationTrace.Fate(fate, isListening: isListening))
    guard let arrival = fate.arrival else { return }
    guard isListening else {
      let back = SimulatedNetwork.Path(from: destination, to: source)
      let time = arrival + state.paths[back].delay
      return state.inFlight.add(.refusal(ECONNREFUSED), from: destination, to: source, at: time)
    }
    var bytes = Array(datagram)
    if let corruption = fate.corruption { bytes[corruption.index] ^= corruption.pattern }
    state.inFlight.add(.datagram(bytes), from: source, to: destination, at: arrival)
    if let time = fate.repetition { state.inFlight.add(.datagram(bytes), from: source, to: destination, at: time) }
  }

  private var nextTime: MonotonicTime? {
    let state = state.value
    var times = state.hosts.compactMap { $0.driver.nextTimeout }
    if let arrival = state.inFlight.nextArrival { times.append(arrival) }
    if let deadline = sleepers.value.nextDeadline { times.append(deadline) }
    return times.min()
  }

  private func advance(to time: MonotonicTime) {
    let state = state.value
    state.steps += 1
    state.now = time
    for host in state.hosts { host.driver.advance(to: time) }
    while let arrival = state.inFlight.next(now: time) {
      guard let host = state.hostOfAddress[arrival.destination], !host.isDown else { continue }
      let driver = host.driver
      switch arrival.content {
      case .datagram(let bytes): bytes.withUnsafeBytes { driver.receive($0, from: arrival.source) }
      case .refusal(let error): driver.receivedNetworkError(error, from: arrival.source)
      }
      driver.settle()
    }
    sleepers.value.fire(now: time)
  }

  /// The simulation's state in one line.
  private var summary: String {
    let state = state.value
    let hosts = state.hosts.map { "\($0.name) has \($0.driver.callsInFlight) calls in flight" }
    let parts = ["seed \(seed)", "\(state.now.nanoseconds / 1_000_000) ms", "\(sleepers.value.count) sleepers"] + hosts
    return parts.joined(separator: ", ")
  }
}

// MARK: The loop

extension Simulator: RxLoop {
  package var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }
  public var now: MonotonicTime { state.value.now }

  public var wallTime: WallTime {
    let start = state.value.wallStart
    let nanoseconds = Int64(start.nanoseconds) + state.value.now.nanoseconds
    return WallTime(
      seconds: start.seconds + nanoseconds / 1_000_000_000, nanoseconds: UInt32(nanoseconds % 1_000_000_000))
  }

  public func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

  package func submit(_ work: @escaping @Sendable () -> Void) { add(.closure(work)) }

  private func add(_ item: Item) {
    if isCurrent {
      state.value.items.append(item)
    } else {
      foreign.withLock { $0.append(item) }
    }
  }
}
