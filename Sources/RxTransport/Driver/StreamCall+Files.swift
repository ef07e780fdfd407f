import RxCore

/// Parts of files as the data of a call.
extension StreamCall {
  /// Gives the endpoint as much of the file as it takes, and leaves the rest in `range`.
  func progressSend(
    file range: inout FileRange, last: Bool, _ driver: RxEndpointDriver
  ) -> Result<Void, RxFileError>? {
    if let misuse = misuseOfSend { return .failure(.call(misuse)) }
    if let outcome {
      switch outcome {
      case .success: return .success(())
      case .failure(let error): return .failure(.call(error))
      }
    }
    openIfNew(driver)
    guard let handle else { return .failure(.call(.shutDown)) }
    if range.remaining == 0, !last { return .success(()) }
    while true {
      let before = range.remaining
      let taken = driver.write(handle, from: &range, isLast: last)
      if let failure = range.failure { return .failure(failure) }
      // Bytes that the peer wants no more are not read.
      if taken == before { range.skip(range.remaining) }
      if range.remaining == 0 {
        if last { hasSentLast = true }
        return .success(())
      }
      if taken == 0 { return nil }
    }
  }

  func awaitSend(file: FileRange, last: Bool, _ waiter: FileWaiter<Void>, _ driver: RxEndpointDriver) {
    var range = file
    if let result = progressSend(file: &range, last: last, driver) { return waiter.resume(returning: result) }
    fileSender = FileSender(range: range, isLast: last, waiter: waiter)
  }

  /// Writes to the file what has come, adding to `count`.
  func progressReceive(
    file range: inout FileRange, count: inout Int, _ driver: RxEndpointDriver
  ) -> Result<Int, RxFileError>? {
    if let misuse = misuseOfReceive { return .failure(.call(misuse)) }
    while true {
      if case .failure(let error)? = outcome { return .failure(.call(error)) }
      if isAtEnd || range.remaining == 0 { return .success(count) }
      guard let handle else { return .failure(.call(.misuse("a receive before the first send"))) }
      let (taken, offered, isLast) = driver.read(handle, into: &range)
      count += taken
      if let failure = range.failure { return .failure(failure) }
      if isLast {
        isAtEnd = true
        releaseIfDone(driver)
      } else if offered == 0 {
        return nil
      }
    }
  }

  func awaitReceive(file: FileRange, count: Int, _ waiter: FileWaiter<Int>, _ driver: RxEndpointDriver) {
    var receiver = FileReceiver(range: file, count: count, waiter: waiter)
    if let result = progressReceive(file: &receiver.range, count: &receiver.count, driver) {
      return waiter.resume(returning: result)
    }
    fileReceiver = receiver
  }

  // MARK: Events

  func driveFileReceiver(_ driver: RxEndpointDriver) {
    guard var receiver = fileReceiver else { return }
    fileReceiver = nil
    let result = progressReceive(file: &receiver.range, count: &receiver.count, driver)
    if let result { receiver.waiter.resume(returning: result) } else { fileReceiver = receiver }
  }

  func driveFileSender(_ driver: RxEndpointDriver) {
    guard var sender = fileSender else { return }
    fileSender = nil
    let result = progressSend(file: &sender.range, last: sender.isLast, driver)
    if let result { sender.waiter.resume(returning: result) } else { fileSender = sender }
  }

  /// The call has ended.
  func endFileTransfers(_ completion: RxCompletion) {
    let (sender, receiver) = (fileSender, fileReceiver)
    (fileSender, fileReceiver) = (nil, nil)
    switch completion {
    case .success:
      sender?.waiter.resume(returning: .success(()))
      receiver?.waiter.resume(returning: .success(receiver?.count ?? 0))
    case .failure(let error):
      sender?.waiter.resume(returning: .failure(.call(error)))
      receiver?.waiter.resume(returning: .failure(.call(error)))
    }
  }
}
