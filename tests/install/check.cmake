execute_process(COMMAND mktemp -d OUTPUT_VARIABLE work OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

function(check)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT status EQUAL 0)
    file(REMOVE_RECURSE ${work})
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${out}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

check(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/installed)
check(cp -r ${CONSUMER} ${work}/consumer)  # away from the tree, so that nothing of it is found by chance
check(${CMAKE_COMMAND} -S ${work}/consumer -B ${work}/build -D CMAKE_PREFIX_PATH=${work}/installed -D CMAKE_CXX_COMPILER=${COMPILER})
check(${CMAKE_COMMAND} --build ${work}/build)
check(${work}/build/own_words)
check(${work}/build/configured)
message("${out}")

# The version counts: 0.1 does not stand in for 0.2.
execute_process(COMMAND ${CMAKE_COMMAND} -S ${work}/consumer -B ${work}/later -D CMAKE_PREFIX_PATH=${work}/installed -D CMAKE_CXX_COMPILER=${COMPILER}
  -D WANTED=0.2 RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE out)
file(REMOVE_RECURSE ${work})
if(status EQUAL 0 OR NOT out MATCHES "version: 0.1.0")
  message(FATAL_ERROR "version 0.2 was asked for, and this was the answer:\n${out}")
endif()
