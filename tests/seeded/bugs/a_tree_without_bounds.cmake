# A hostile text makes a tree as large as it likes.
set(FILE policies/mulproc/serializer/json.hpp)
set(FROM [==[if (bounded_ && bytes > left_) throw]==])
set(TO [==[if (bounded_ && left_ == 0) throw]==])
set(SOURCES tests/serializer/json.cpp tests/support/allocation_count.cpp)
set(ARGUMENTS --run_test=a_hostile_text*)
set(LIBRARIES -O0 -DBOOST_TEST_DYN_LINK -lboost_unit_test_framework -lboost_json)
